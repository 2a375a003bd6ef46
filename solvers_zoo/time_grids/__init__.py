"""Time grids and the rules that make them."""
