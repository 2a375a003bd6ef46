"""Forward processes, their points, and what a model predicts on them."""
