"""The variance-exploding process whose diffusion is a power."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import exp, expm1, log1p, sqrt
from solvers_zoo.processes.families import VarianceExploding
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


class VEPower(VarianceExploding):
    """dX = base^t dW: alpha = 1, sigma^2 = (base^(2t) - 1) / (2 log base)."""

    card = SDECard(
        name="ve-power",
        title="Variance exploding, g = base^t",
        aliases=("sigma-t",),
        formula="dX = s^t dW;  alpha = 1, sigma^2 = (s^(2t) - 1) / (2 log s)",
        source=Source(
            authors="Tomczak 2024",
            title="Deep Generative Modeling (2nd edition)",
            link="https://doi.org/10.1007/978-3-031-64087-2",
            where="Chapter 9, the variance exploding SDE",
        ),
    )
    base: float = option(25.0, help="base s of the diffusion s^t", above=1.0)
    t_min: float = option(1e-5, help="end of sampling, where sigma is still positive", above=0.0)
    t_max: float = option(1.0, help="start of sampling", above=0.0)

    @functools.cached_property
    def rate(self) -> float:
        """d log(g^2) / dt = 2 log base."""
        return 2 * math.log(self.base)

    def sigma(self, t: S) -> S:
        """sqrt((e^(rate t) - 1) / rate)."""
        return sqrt(expm1(self.rate * t) / self.rate)

    def diffusion_squared(self, t: S) -> S:
        """base^(2t)."""
        return exp(self.rate * t)

    def t_of_lam(self, lam: S) -> S:
        """log(1 + rate e^(-2 lam)) / rate."""
        return log1p(self.rate * exp(-2 * lam)) / self.rate
