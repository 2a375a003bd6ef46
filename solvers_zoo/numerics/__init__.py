"""Which arithmetic solvers share: scalars, linear combinations, phi functions, tableaus, weights."""

from solvers_zoo.numerics.phi import phi as phi
