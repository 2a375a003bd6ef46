"""The straight path from data to noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import divide, exp, log, log1p, softplus
from solvers_zoo.processes.base import GaussianSDE
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.defaults import GRID
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


class RectifiedFlow(GaussianSDE):
    """alpha = 1 - t, sigma = t: the velocity is eps - x0. alpha = 0 at t = 1, where lam and g^2 are infinite."""

    card = SDECard(
        name="rectified-flow",
        title="Rectified flow",
        aliases=("flow-matching", "rf"),
        formula="X_t = (1 - t) X_0 + t eps;  dX = -X/(1 - t) dt + sqrt(2t/(1 - t)) dW",
        source=Source(
            authors="Liu, Gong & Liu 2023",
            title="Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow",
            arxiv="2209.03003",
            where="eq. (1)",
        ),
    )
    default_grid = GRID
    t_min: float = option(1e-3, help="end of sampling, where sigma is still positive", above=0.0)
    t_max: float = option(1.0, help="start of sampling; alpha is 0 at 1", above=0.0, high=1.0)

    def alpha(self, t: S) -> S:
        """1 - t."""
        return 1 - t

    def sigma(self, t: S) -> S:
        """t."""
        return t

    def dalpha(self, t: S) -> S:
        """-1."""
        return -1.0 + 0.0 * t

    def dsigma(self, t: S) -> S:
        """1."""
        return 1.0 + 0.0 * t

    def lam(self, t: S) -> S:
        """log(1 - t) - log t."""
        return log1p(-t) - log(t)

    def diffusion_squared(self, t: S) -> S:
        """2t / (1 - t)."""
        return divide(2 * t, 1 - t)

    def t_of_lam(self, lam: S) -> S:
        """1 / (1 + e^lam)."""
        return exp(-softplus(lam))
