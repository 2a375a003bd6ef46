"""NCSN: annealed Langevin sampling of digits, the failure of plain Langevin, score matching on a manifold."""
