"""Where many tasks run: here, in processes of their own, or wherever a plugin brings them."""
