"""Score models: interfaces, wrappers, analytic targets."""
