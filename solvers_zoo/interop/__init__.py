"""How other libraries are used: their networks as our models, our solvers in their loops."""
