"""The process of EDM: time is the noise level itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import exp
from solvers_zoo.processes.families import VarianceExploding
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


class EDM(VarianceExploding):
    """dX = sqrt(2 t) dW: alpha = 1, sigma(t) = t."""

    card = SDECard(
        name="edm",
        title="EDM, sigma(t) = t",
        formula="dX = sqrt(2t) dW;  alpha = 1, sigma = t",
        source=Source(
            authors="Karras et al. 2022",
            title="Elucidating the Design Space of Diffusion-Based Generative Models",
            arxiv="2206.00364",
            where="Table 1, last column",
        ),
    )
    sigma_min: float = option(0.002, help="smallest noise level, t_min", above=0.0)
    sigma_max: float = option(80.0, help="largest noise level, t_max", above=0.0)

    @property
    def t_min(self) -> float:
        """sigma_min."""
        return self.sigma_min

    @property
    def t_max(self) -> float:
        """sigma_max."""
        return self.sigma_max

    def sigma(self, t: S) -> S:
        """t."""
        return t

    def diffusion_squared(self, t: S) -> S:
        """2t."""
        return 2 * t

    def t_of_rho(self, rho: S) -> S:
        """``rho`` itself."""
        return rho

    def t_of_lam(self, lam: S) -> S:
        """exp(-lam)."""
        return exp(-lam)
