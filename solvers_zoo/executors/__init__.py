"""Ways to run many tasks: here, in processes of their own, on a cluster."""
