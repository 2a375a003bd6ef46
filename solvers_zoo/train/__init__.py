"""How a score model is trained: objectives, networks, data and the training loop."""
