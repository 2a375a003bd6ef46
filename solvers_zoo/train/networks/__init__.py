"""Networks that `zoo train` can train, by name."""
