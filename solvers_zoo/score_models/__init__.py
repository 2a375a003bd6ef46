"""What answers the solver's question for the score: the interface, analytic models, networks, checkpoints."""
