"""What the exact answer is: flow maps, transports and laws that solvers are measured against."""

from solvers_zoo.exact.affine import AffineMap as AffineMap
from solvers_zoo.exact.affine import affine_map as affine_map
from solvers_zoo.exact.dispatch import exact_flow as exact_flow
from solvers_zoo.exact.flows import gaussian_flow as gaussian_flow
from solvers_zoo.exact.flows import reference_flow as reference_flow
from solvers_zoo.exact.transport import Law as Law
from solvers_zoo.exact.transport import TransportDistance as TransportDistance
from solvers_zoo.exact.transport import is_monotone as is_monotone
from solvers_zoo.exact.transport import transport as transport
from solvers_zoo.exact.transport import transport_distance as transport_distance
