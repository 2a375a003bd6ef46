"""Ready-made targets. Their classes are light: what is heavy is imported when one is built."""
