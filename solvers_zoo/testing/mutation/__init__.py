"""Mutation testing of the conformance kit: which planted errors in the sources of solvers it notices, and which it does not."""
