"""The variance-preserving process with linear beta."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import exp, expm1, log, softplus, sqrt
from solvers_zoo.processes.base import GaussianPoint, double
from solvers_zoo.processes.families import VariancePreserving
from solvers_zoo.processes.linear_beta import LinearBeta
from solvers_zoo.registry.card import SDECard, Source

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S, Scalar


class VP(LinearBeta, VariancePreserving):
    """dX = -beta X/2 dt + sqrt(beta) dW: alpha = e^(-B/2), sigma^2 = 1 - e^-B, B = int_0^t beta."""

    card = SDECard(
        name="vp",
        title="Variance preserving, linear beta",
        aliases=("vp-linear", "vpsde"),
        formula="dX = -beta(t) X/2 dt + sqrt(beta(t)) dW;  beta = b0 + t (b1 - b0), alpha^2 = e^-B, sigma^2 = 1 - e^-B",
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="eq. (11) and Appendix C",
        ),
    )

    def sigma(self, t: S) -> S:
        """sqrt(1 - e^-B)."""
        return sqrt(-expm1(-self.integral(t)))

    def lam(self, t: S) -> S:
        """-B/2 - log(1 - e^-B)/2."""
        B = self.integral(t)
        return -(B + log(-expm1(-B))) / 2

    def diffusion_squared(self, t: S) -> S:
        """beta."""
        return self.beta(t)

    def t_of_lam(self, lam: S) -> S:
        """B = log(1 + e^(-2 lam))."""
        return self.t_of_integral(softplus(-2 * lam))

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time ``t``; beta and its integral are computed once for all that follows from them."""
        t = double(t)
        B, beta = self.integral(t), self.beta(t)
        alpha, variance = exp(-B / 2), -expm1(-B)
        sigma = sqrt(variance)
        return GaussianPoint(
            t=t,
            g2=beta,
            alpha=alpha,
            sigma=sigma,
            lam=-(B + log(variance)) / 2,
            dalpha=-beta / 2 * alpha,
            dsigma=beta / 2 * alpha**2 / sigma,
        )
