r"""The phi functions of exponential integrators.

    phi_0(z) = e^z,    phi_k(z) = (phi_(k-1)(z) - 1/(k-1)!) / z = int_0^1 e^((1 - u) z) u^(k-1) / (k-1)! du,

with phi_k(0) = 1/k!. Hochbruck & Ostermann 2010, Exponential integrators, eq. (2.10) and (2.11).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import exp, expm1, where

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


def phi(k: int, z: S) -> S:
    """phi_k(z), right to about 1e-14 relative for k up to 10 and any real z.

    Args:
        k: 0, 1, 2, ...
        z: a float, or a tensor.

    Returns:
        Of z's type and shape.

    For |z| < k it is the power series, beyond it the recurrence: there neither loses digits.

    """
    if k < 0:
        raise ValueError(f"phi_k is defined for k >= 0, got k = {k}")
    if k == 0:
        return exp(z)
    if k == 1:
        return _first(z)
    if isinstance(z, float | int):
        return _series(k, z) if abs(z) < k else _recurrence(k, z)
    size = z.abs()
    small, inner = size < k, where(size < k, z, 0.0 * size.clamp(max=0))
    return where(small, _series(k, inner), _recurrence(k, where(small, k + 0.0 * inner, z)))


def _first(z: S) -> S:
    """(e^z - 1)/z, which loses nothing."""
    if isinstance(z, float | int):
        return expm1(z) / z if z else 1.0
    zero = z == 0
    return where(zero, 1.0, expm1(z) / where(zero, 1.0, z))


@cache
def _coefficients(k: int) -> tuple[float, ...]:
    """1/(j + k)!, the smallest first: as many as |z| < k needs."""
    return tuple(1 / math.factorial(j + k) for j in range(12 + 4 * k, -1, -1))


def _series(k: int, z: S) -> S:
    """Sum of z^j / (j + k)! by Horner's rule; |z| < k."""
    value = 0.0 * z
    for c in _coefficients(k):
        value = value * z + c
    return value


def _recurrence(k: int, z: S) -> S:
    """From phi_1 upwards; |z| >= k, so what is subtracted is not close to what it is subtracted from."""
    value = _first(z)
    for j in range(1, k):
        value = (value - 1 / math.factorial(j)) / z
    return value
