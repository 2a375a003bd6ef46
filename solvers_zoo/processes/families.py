"""Two families of processes: the signal keeps its scale (variance exploding), or the total variance does (variance preserving)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import divide, log
from solvers_zoo.processes.base import GaussianPoint, GaussianSDE, double

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S, Scalar


class VarianceExploding(GaussianSDE):
    """alpha = 1: noise is added and nothing else. A member gives sigma, g^2 and t_of_lam."""

    def alpha(self, t: S) -> S:
        """1."""
        return 1.0 + 0.0 * t

    def dalpha(self, t: S) -> S:
        """0."""
        return 0.0 * t

    def dsigma(self, t: S) -> S:
        """g^2 / (2 sigma)."""
        return self.diffusion_squared(t) / (2 * self.sigma(t))

    def lam(self, t: S) -> S:
        """-log sigma."""
        return -log(self.sigma(t))

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time ``t``; sigma and g^2 are computed once for all that follows from them."""
        t = double(t)
        sigma, g2, zero = self.sigma(t), self.diffusion_squared(t), 0.0 * t
        return GaussianPoint(
            t=t, g2=g2, alpha=zero + 1.0, sigma=sigma, lam=-log(sigma), dalpha=zero, dsigma=g2 / (2 * sigma)
        )


class VariancePreserving(GaussianSDE):
    """alpha^2 + sigma^2 = 1: data of covariance I keep it. A member gives alpha, sigma and dalpha.

    Each is the Ornstein-Uhlenbeck process on another clock, that of time -log alpha.
    """

    def dsigma(self, t: S) -> S:
        """-alpha alpha' / sigma."""
        return -self.alpha(t) * self.dalpha(t) / self.sigma(t)

    def diffusion_squared(self, t: S) -> S:
        """-2 alpha' / alpha."""
        return divide(-2 * self.dalpha(t), self.alpha(t))

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time ``t``; alpha, sigma and alpha' are computed once for all that follows from them."""
        t = double(t)
        alpha, sigma, dalpha = self.alpha(t), self.sigma(t), self.dalpha(t)
        return GaussianPoint(
            t=t,
            g2=divide(-2 * dalpha, alpha),
            alpha=alpha,
            sigma=sigma,
            lam=log(alpha) - log(sigma),
            dalpha=dalpha,
            dsigma=-alpha * dalpha / sigma,
        )

    def prior_std(self, t: float) -> float:
        """1: the stationary law is N(0, I)."""
        return 1.0
