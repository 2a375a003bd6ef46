"""Which arithmetic solvers share: scalars, linear combinations, phi functions, tableaus, weights."""

from solvers_zoo.numerics.combine import combine as combine
from solvers_zoo.numerics.phi import phi as phi
from solvers_zoo.numerics.scalar import absolute as absolute
from solvers_zoo.numerics.scalar import asinh as asinh
from solvers_zoo.numerics.scalar import atan as atan
from solvers_zoo.numerics.scalar import cos as cos
from solvers_zoo.numerics.scalar import divide as divide
from solvers_zoo.numerics.scalar import exp as exp
from solvers_zoo.numerics.scalar import expm1 as expm1
from solvers_zoo.numerics.scalar import log as log
from solvers_zoo.numerics.scalar import log1p as log1p
from solvers_zoo.numerics.scalar import maximum as maximum
from solvers_zoo.numerics.scalar import minimum as minimum
from solvers_zoo.numerics.scalar import sin as sin
from solvers_zoo.numerics.scalar import softplus as softplus
from solvers_zoo.numerics.scalar import sqrt as sqrt
from solvers_zoo.numerics.scalar import where as where
