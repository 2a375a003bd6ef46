"""Models ready by name; their classes are light, and what is heavy is imported when a model is built."""
