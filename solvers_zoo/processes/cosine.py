"""The variance-preserving process with the cosine schedule."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import atan, divide, exp, minimum, sin, sqrt
from solvers_zoo.processes.families import VariancePreserving
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.defaults import GRID
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


class Cosine(VariancePreserving):
    r"""alpha(t) = cos((t + s)/(1 + s) pi/2) / cos(s/(1 + s) pi/2), which is 0 at t = 1.

    With k = pi/2/(1 + s) and a = s k, so that the angle is a + k t and its complement k (1 - t):

        alpha = sin(k (1 - t)) / cos a,     sigma^2 = sin(2a + k t) sin(k t) / cos^2 a,

    neither of which cancels. g^2 = 2 k tan(a + k t) is infinite at t = 1; alpha' and sigma' are not.
    """

    card = SDECard(
        name="cosine",
        title="Variance preserving, cosine",
        aliases=("vp-cosine",),
        formula="alpha = cos((t + s)/(1 + s) pi/2) / cos(s/(1 + s) pi/2), sigma^2 = 1 - alpha^2",
        source=Source(
            authors="Nichol & Dhariwal 2021",
            title="Improved Denoising Diffusion Probabilistic Models",
            arxiv="2102.09672",
            where="eq. (17)",
        ),
    )
    default_grid = GRID
    s: float = option(0.008, help="offset that keeps the first noise levels from being too small", low=0.0, high=1.0)
    t_min: float = option(1e-3, help="end of sampling, where sigma is still positive", above=0.0)
    t_max: float = option(1.0, help="start of sampling; alpha is 0 at 1", above=0.0, high=1.0)

    @functools.cached_property
    def speed(self) -> float:
        """Angle a unit of time, k."""
        return math.pi / 2 / (1 + self.s)

    @functools.cached_property
    def offset(self) -> float:
        """Angle at t = 0, a."""
        return self.s * self.speed

    @functools.cached_property
    def scale(self) -> float:
        """1 / cos a."""
        return 1 / math.cos(self.offset)

    def alpha(self, t: S) -> S:
        """sin(k (1 - t)) / cos a."""
        return self.scale * sin(self.speed * (1 - t))

    def sigma(self, t: S) -> S:
        """sqrt(sin(2a + k t) sin(k t)) / cos a."""
        angle = self.speed * t
        return self.scale * sqrt(sin(2 * self.offset + angle) * sin(angle))

    def dalpha(self, t: S) -> S:
        """-k sin(a + k t) / cos a."""
        return -self.speed * self.scale * sin(self.offset + self.speed * t)

    def t_of_lam(self, lam: S) -> S:
        r"""tan(k t) = tan(angle - a), with tan(angle) from (alpha/sigma)^2 = r^2.

        With S = sqrt(1 + r^2 sin^2 a) it is cos a / ((S + r sin a) (r cos^2 a + S sin a)): nothing cancels at either end.
        """
        r, sin_a, cos_a = exp(lam), math.sin(self.offset), math.cos(self.offset)
        S = sqrt(1 + (r * sin_a) ** 2)
        angle = atan(divide(cos_a, (S + r * sin_a) * (r * cos_a**2 + S * sin_a)))
        return minimum(angle / self.speed, 1.0)  # beyond 1, where rounding may lead, alpha is negative
