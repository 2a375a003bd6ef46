"""The sub-variance-preserving process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import asinh, exp, expm1, log
from solvers_zoo.processes.base import GaussianPoint, double
from solvers_zoo.processes.linear_beta import LinearBeta
from solvers_zoo.registry.card import SDECard, Source

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S, Scalar


class SubVP(LinearBeta):
    """VP's drift with less noise: sigma is VP's sigma^2, so its variance lies below VP's at every time."""

    card = SDECard(
        name="sub-vp",
        title="Sub-variance preserving, linear beta",
        aliases=("subvp", "subvpsde"),
        formula="dX = -beta(t) X/2 dt + sqrt(beta(t) (1 - e^-2B)) dW;  alpha^2 = e^-B, sigma = 1 - e^-B",
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="eq. (12) and Appendix C",
        ),
    )

    def sigma(self, t: S) -> S:
        """1 - e^-B."""
        return -expm1(-self.integral(t))

    def dsigma(self, t: S) -> S:
        """beta e^-B."""
        return self.beta(t) * exp(-self.integral(t))

    def lam(self, t: S) -> S:
        """-B/2 - log(1 - e^-B)."""
        B = self.integral(t)
        return -B / 2 - log(-expm1(-B))

    def diffusion_squared(self, t: S) -> S:
        """beta (1 - e^-2B)."""
        return -self.beta(t) * expm1(-2 * self.integral(t))

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time ``t``; beta and its integral are computed once for all that follows from them."""
        t = double(t)
        B, beta = self.integral(t), self.beta(t)
        alpha, sigma = exp(-B / 2), -expm1(-B)
        return GaussianPoint(
            t=t,
            g2=-beta * expm1(-2 * B),
            alpha=alpha,
            sigma=sigma,
            lam=-B / 2 - log(sigma),
            dalpha=-beta / 2 * alpha,
            dsigma=beta * exp(-B),
        )

    def t_of_lam(self, lam: S) -> S:
        """e^lam = 1 / (2 sinh(B/2)), so B = 2 asinh(e^-lam / 2)."""
        return self.t_of_integral(2 * asinh(exp(-lam) / 2))
