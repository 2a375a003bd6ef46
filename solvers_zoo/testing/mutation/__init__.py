"""Which planted errors in the sources of solvers the conformance kit finds, and which it does not."""
