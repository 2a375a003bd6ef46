"""Training: objectives, networks, data, and the loop that makes a score model of them."""
