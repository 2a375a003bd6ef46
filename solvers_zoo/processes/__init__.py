"""How data turn into noise: forward processes, their points, what a model may predict on them."""
