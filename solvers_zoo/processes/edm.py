"""The process of EDM: time is the noise level itself."""

from __future__ import annotations

from typing import Any

from solvers_zoo.card import SDECard, Source
from solvers_zoo.numerics.scalar import exp
from solvers_zoo.options import option
from solvers_zoo.processes.base import GaussianSDE


class EDM(GaussianSDE):
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

    def alpha(self, t: Any) -> Any:
        """1."""
        return 1.0 + 0.0 * t

    def sigma(self, t: Any) -> Any:
        """t."""
        return t

    def dalpha(self, t: Any) -> Any:
        """0."""
        return 0.0 * t

    def dsigma(self, t: Any) -> Any:
        """1."""
        return 1.0 + 0.0 * t

    def t_of_lam(self, lam: Any) -> Any:
        """exp(-lam)."""
        return exp(-lam)
