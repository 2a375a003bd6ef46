"""Plain Brownian motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import exp, log, sqrt
from solvers_zoo.processes.families import VarianceExploding
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


class Brownian(VarianceExploding):
    """dX = dW: alpha = 1, sigma^2 = t."""

    card = SDECard(
        name="brownian",
        title="Brownian motion",
        aliases=("wiener",),
        formula="dX = dW;  alpha = 1, sigma = sqrt(t)",
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="eq. (9) with sigma^2(t) = t",
        ),
    )
    t_min: float = option(1e-4, help="end of sampling, where sigma is still positive; the smallest variance", above=0.0)
    t_max: float = option(1000.0, help="start of sampling; the largest variance", above=0.0)

    def sigma(self, t: S) -> S:
        """sqrt(t)."""
        return sqrt(t)

    def lam(self, t: S) -> S:
        """-log(t) / 2."""
        return -log(t) / 2

    def diffusion_squared(self, t: S) -> S:
        """1."""
        return 1.0 + 0.0 * t

    def t_of_lam(self, lam: S) -> S:
        """e^(-2 lam)."""
        return exp(-2 * lam)
