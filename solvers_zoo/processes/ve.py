"""The variance-exploding process with geometric noise levels."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.numerics.scalar import exp
from solvers_zoo.processes.families import VarianceExploding
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


class VE(VarianceExploding):
    """alpha = 1, sigma(t) = sigma_min (sigma_max/sigma_min)^t on [0, 1]."""

    card = SDECard(
        name="ve",
        title="Variance exploding, geometric",
        aliases=("ve-geometric", "vesde", "smld"),
        formula="dX = sigma(t) sqrt(2 log(smax/smin)) dW;  alpha = 1, sigma = smin (smax/smin)^t",
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="eq. (9) and Appendix C",
        ),
    )
    sigma_min: float = option(0.01, help="smallest noise level, at t = 0", above=0.0)
    sigma_max: float = option(50.0, help="largest noise level, at t = 1", above=0.0)

    @property
    def t_min(self) -> float:
        """0."""
        return 0.0

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @functools.cached_property
    def rate(self) -> float:
        """d log(sigma) / dt."""
        return math.log(self.sigma_max / self.sigma_min)

    def check(self) -> None:
        """sigma_min < sigma_max."""
        if not self.sigma_min < self.sigma_max:
            raise OptionError(f"ve: sigma_min = {self.sigma_min:g} must lie below sigma_max = {self.sigma_max:g}.")

    def sigma(self, t: S) -> S:
        """sigma_min e^(rate t)."""
        return self.sigma_min * exp(self.rate * t)

    def diffusion_squared(self, t: S) -> S:
        """2 rate sigma^2."""
        return 2 * self.rate * self.sigma(t) ** 2

    def lam(self, t: S) -> S:
        """-log(sigma_min) - rate t."""
        return -math.log(self.sigma_min) - self.rate * t

    def t_of_lam(self, lam: S) -> S:
        """-(lam + log(sigma_min)) / rate."""
        return -(lam + math.log(self.sigma_min)) / self.rate
