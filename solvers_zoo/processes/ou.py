"""The Ornstein-Uhlenbeck process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import exp, expm1, log, softplus, sqrt
from solvers_zoo.processes.base import GaussianPoint, double
from solvers_zoo.processes.families import VariancePreserving
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S, Scalar


class OU(VariancePreserving):
    """dX = -X dt + sqrt(2) dW: alpha = e^-t, sigma^2 = 1 - e^-2t."""

    card = SDECard(
        name="ou",
        title="Ornstein-Uhlenbeck",
        formula="dX = -X dt + sqrt(2) dW;  alpha = e^-t, sigma^2 = 1 - e^-2t",
        source=Source(
            authors="Huang et al. 2024",
            title="Convergence Analysis of Probability Flow ODE for Score-based Generative Models",
            arxiv="2404.09730",
            where="Section 2",
        ),
    )
    t_min: float = option(1e-5, help="end of sampling, where sigma is still positive", above=0.0)
    t_max: float = option(8.0, help="start of sampling", above=0.0)

    def alpha(self, t: S) -> S:
        """e^-t."""
        return exp(-t)

    def sigma(self, t: S) -> S:
        """sqrt(1 - e^-2t)."""
        return sqrt(-expm1(-2 * t))

    def dalpha(self, t: S) -> S:
        """-e^-t."""
        return -exp(-t)

    def lam(self, t: S) -> S:
        """-t - log(1 - e^-2t) / 2."""
        return -t - log(-expm1(-2 * t)) / 2

    def diffusion_squared(self, t: S) -> S:
        """2."""
        return 2.0 + 0.0 * t

    def t_of_lam(self, lam: S) -> S:
        """log(1 + e^(-2 lam)) / 2."""
        return softplus(-2 * lam) / 2

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time ``t``; e^-t and the variance are computed once for all that follows from them."""
        t = double(t)
        alpha, variance = exp(-t), -expm1(-2 * t)
        sigma = sqrt(variance)
        return GaussianPoint(
            t=t,
            g2=2.0 + 0.0 * t,
            alpha=alpha,
            sigma=sigma,
            lam=-t - log(variance) / 2,
            dalpha=-alpha,
            dsigma=alpha**2 / sigma,
        )
