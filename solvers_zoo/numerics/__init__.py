"""Numerics shared by solvers: scalars, linear combinations, coefficients."""
