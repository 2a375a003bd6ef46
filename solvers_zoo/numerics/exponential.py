r"""Weights of exponential integrators in the half log-SNR, for predictions that change as polynomials of it.

With h = lam_s - lam_t and noise level l the solutions of the flow (l = 0) and of the reverse SDE are

    x0     x_s = sigma_s/sigma_t e^(-l^2 h) x_t + alpha_s (1 + l^2) int_0^h e^(-(1 + l^2)(h - v)) x0(v) dv + noise
    eps    x_s = alpha_s/alpha_t x_t - sigma_s (1 + l^2) int_0^h e^(h - v) eps(v) dv + noise

(Lu et al. 2022, 2211.01095, Proposition 4.1 and Section 5, for any l: Gonzalez et al. 2023, 2305.14267; Xue et al. 2023,
2309.05019, Proposition 4.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.numerics.interpolation import exponential_moments, weights

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint


def exponential_weights(
    form: str, nodes: Sequence[GaussianPoint], t: GaussianPoint, s: GaussianPoint, level: Scalar = 0.0
) -> list[Scalar]:
    """b_j with the integral term of above = sum_j b_j D_j, exact where D is a polynomial in lam through ``nodes``.

    Args:
        form: what D is, ``x0`` or ``eps``.
        nodes: points where D is known, distinct, in any order; inside the step, at its ends, or before it.
        t: start of the step.
        s: its end.
        level: noise level l; 0 is the probability flow.

    """
    h, rate = s.lam - t.lam, 1.0 + level**2
    scale, z = (s.alpha, -rate * h) if form == "x0" else (-s.sigma, h)
    moments = exponential_moments(len(nodes), z)
    return [scale * rate * h * w for w in weights([(node.lam - t.lam) / h for node in nodes], moments)]
