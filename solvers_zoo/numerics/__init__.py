"""Numerics shared by solvers: scalars, linear combinations, coefficients."""

from solvers_zoo.numerics.phi import phi as phi
