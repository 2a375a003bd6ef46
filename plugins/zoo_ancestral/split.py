r"""The ancestral split: how much of the noise that a step ends with is kept, and how much is fresh.

Every ancestral step is a step of the probability flow to a level below s, and noise that brings it back up to s. With
y = x/alpha and rho = sigma/alpha the way up is y -> y + sqrt(rho_s^2 - rho_d^2) z, so in x, with q = rho_d / rho_s,

    kept = sigma_s q,    fresh = sigma_s sqrt(1 - q^2),    x_s = alpha_s x0 + kept eps + fresh z    for constant x0 and eps.

An exact flow keeps the marginals exactly, and so does the noise: the law at the end has the order of the flow's step,
whatever q is. What q is decides of which reverse SDE the steps are, as 1 - q = level^2 h + O(h^2), h = lam_s - lam_t.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo.numerics import exp, expm1, sqrt

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint
    from solvers_zoo.numerics.scalar import Scalar


class Split(NamedTuple):
    """A rule for q, with eta in [0, 1]: 0 keeps everything."""

    parts: Callable[[GaussianPoint, GaussianPoint, float], tuple[Any, Any]]
    """(kept, fresh) of a step from t to s."""
    level: Callable[[float], float]
    """Noise level of a small step."""


def _by_variance(t: GaussianPoint, s: GaussianPoint, eta: float) -> tuple[Scalar, Scalar]:
    """q^2 = 1 - eta^2 (1 - e^(-2h)); in rho it is sigma_up = eta sqrt(rho_s^2 (rho_t^2 - rho_s^2) / rho_t^2)."""
    h, eta2 = s.lam - t.lam, eta * eta
    return s.sigma * sqrt(1 - eta2 + eta2 * exp(-2 * h)), s.sigma * sqrt(-eta2 * expm1(-2 * h))


def flow_time(point: GaussianPoint) -> Any:
    """u = sigma/(alpha + sigma), the time of the rectified flow to which x/(alpha + sigma) belongs; 1 where alpha = 0."""
    return point.sigma / (point.alpha + point.sigma)


def _in_flow_time(t: GaussianPoint, s: GaussianPoint, eta: float) -> tuple[Scalar, Scalar]:
    """u_d = r u_s with r = 1 - eta (1 - u_s/u_t); q = rho_d/rho_s = r alpha_s / (alpha_s + (1 - r) sigma_s)."""
    lost = eta * (1 - flow_time(s) / flow_time(t))
    whole = s.alpha + lost * s.sigma
    q, one_minus_q = (1 - lost) * s.alpha / whole, lost * (s.alpha + s.sigma) / whole
    return s.sigma * q, s.sigma * sqrt(one_minus_q * (1 + q))


#: eta scales the standard deviation of the posterior q(x_s | x_t, x_0): Song et al. 2021 (2010.02502), eq. (16).
BY_VARIANCE = Split(_by_variance, lambda eta: eta)

#: eta scales the way down in the time of the rectified flow: u_d = u_s (1 + eta (u_s/u_t - 1)).
IN_FLOW_TIME = Split(_in_flow_time, lambda eta: eta**0.5)
