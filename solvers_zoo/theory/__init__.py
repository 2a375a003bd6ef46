"""The studies of the lectures and articles, repeated."""
