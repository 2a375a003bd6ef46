"""At which times a solver steps: grids, and the rules that make them."""
