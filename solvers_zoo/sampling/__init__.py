"""How a solver is run: `sample` makes grid and noise, counts calls, stops, resumes, returns a Result."""
