r"""Weights of interpolatory quadrature: integrals of the polynomial through known values.

Every linear multistep method is one of these. With l_j the Lagrange polynomials of the nodes v_0, v_1, ...,

    int mu(v) p(v) dv = sum_j w_j p(v_j),    w_j = int mu(v) l_j(v) dv = sum_k c_jk m_k,    m_k = int mu(v) v^k dv,

where l_j = sum_k c_jk v^k: the nodes give the c_jk, the method its moments m_k. Nodes and moments are floats, or tensors in
per-sample stepping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from solvers_zoo.numerics.phi import phi

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar

#: Nodes and weights of Gauss-Legendre quadrature on [0, 1], exact to degree 15; the nodes come in pairs 1/2 -+ a/2.
_PAIRS = (
    (0.1834346424956498, 0.3626837833783620),
    (0.5255324099163290, 0.3137066458778873),
    (0.7966664774136267, 0.2223810344533745),
    (0.9602898564975363, 0.1012285362903763),
)
GAUSS = tuple(sorted(((1 + sign * a) / 2, w / 2) for a, w in _PAIRS for sign in (-1, 1)))


def lagrange(nodes: Sequence[Scalar]) -> list[list[Scalar]]:
    """Coefficients c_jk of the Lagrange polynomials of distinct ``nodes``, lowest power first."""
    polynomials = []
    for j, node in enumerate(nodes):
        c: list[Scalar] = [1.0]
        for i, other in enumerate(nodes):
            if i != j:
                gap = node - other
                c = [(low - other * high) / gap for low, high in zip([0.0, *c], [*c, 0.0], strict=True)]
        polynomials.append(c)
    return polynomials


def weights(nodes: Sequence[Scalar], moments: Sequence[Scalar]) -> list[Scalar]:
    """The w_j with sum_j w_j p(v_j) = int mu p for every polynomial of degree below the number of nodes.

    Args:
        nodes: v_j, distinct; of the size of 1, so that their powers lose no digits.
        moments: m_k = int mu(v) v^k dv, k = 0, ..., at least as many as nodes.

    """
    return [sum(c_k * m for c_k, m in zip(c, moments, strict=False)) for c in lagrange(nodes)]


def adams_moments(count: int) -> list[float]:
    """Moments of the uniform measure on [0, 1]: 1/(k + 1)."""
    return [1 / (k + 1) for k in range(count)]


def exponential_moments(count: int, z: Scalar) -> list[Scalar]:
    """int_0^1 e^(z (1 - v)) v^k dv = k! phi_(k+1)(z)."""
    moments, factorial = [], 1.0
    for k in range(count):
        moments.append(factorial * phi(k + 1, z))
        factorial *= k + 1
    return moments


def gauss_moments(count: int, density: Callable[[float], Scalar]) -> list[Scalar]:
    """int_0^1 density(v) v^k dv by Gauss-Legendre quadrature with 8 nodes."""
    values = [(v, w * density(v)) for v, w in GAUSS]
    return [sum(m * v**k for v, m in values) for k in range(count)]
