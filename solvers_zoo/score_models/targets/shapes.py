"""Shapes in the plane: kernel mixtures on points placed by rule, so that they are the same everywhere."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from solvers_zoo.registry.card import ModelCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.score_models.targets.base import EXACT, OnEDM

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.kernel import KernelMixture

_shape_card = functools.partial(ModelCard, dim="2", exact=EXACT)


class _Shape(OnEDM):
    """A target given by points in the plane."""

    bandwidth: float = option(0.05, help="standard deviation round every point", low=0.0)

    def points(self) -> list[tuple[float, float]]:
        """The points of the shape."""
        raise NotImplementedError

    def build(self, sde: GaussianSDE) -> KernelMixture:
        """The kernel mixture on the points under ``sde``."""
        from solvers_zoo.score_models.kernel import KernelMixture

        return KernelMixture(self.points(), self.bandwidth, sde)


class TwoMoons(_Shape):
    """Two interleaved half circles of radius 1."""

    card = _shape_card(
        name="two-moons",
        title="Two moons",
        source=Source(
            authors="Pedregosa et al. 2011",
            title="Scikit-learn: Machine Learning in Python",
            arxiv="1201.0490",
            where="datasets.make_moons",
        ),
    )

    def points(self) -> list[tuple[float, float]]:
        """128 points evenly on each arc, the whole centred."""
        arc = [math.pi * (i + 0.5) / 128 for i in range(128)]
        upper = [(math.cos(a) - 0.5, math.sin(a) - 0.25) for a in arc]
        return [*upper, *((-x, -y) for x, y in upper)]


class SwissRoll(_Shape):
    """A spiral of one and a half turns, even along its length."""

    card = _shape_card(
        name="swiss-roll",
        title="Swiss roll",
        source=Source(
            authors="Sohl-Dickstein et al. 2015",
            title="Deep Unsupervised Learning using Nonequilibrium Thermodynamics",
            arxiv="1503.03585",
            where="Figure 1",
        ),
    )

    def points(self) -> list[tuple[float, float]]:
        """512 points (a cos a, a sin a) / 9.5, a from 1.5 pi to 4.5 pi, at equal distances to first order in 1/a."""
        low, high = 1.5 * math.pi, 4.5 * math.pi
        # length grows like a^2 / 2, so even steps of a^2 are even along the roll
        turns = [math.sqrt(low**2 + (i + 0.5) / 512 * (high**2 - low**2)) for i in range(512)]
        return [(a * math.cos(a) / 9.5, a * math.sin(a) / 9.5) for a in turns]


class Checkerboard(_Shape):
    """The eight dark squares of a 4 x 4 board over [-2, 2]^2."""

    card = _shape_card(
        name="checkerboard",
        title="Checkerboard",
        source=Source(
            authors="Grathwohl et al. 2019",
            title="FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models",
            arxiv="1810.01367",
            where="Figure 2",
        ),
    )

    def points(self) -> list[tuple[float, float]]:
        """A grid of 8 x 8 points in each square."""
        inside = [(i + 0.5) / 8 for i in range(8)]
        squares = [(a, b) for a in range(-2, 2) for b in range(-2, 2) if (a + b) % 2 == 0]
        return [(a + u, b + v) for a, b in squares for u in inside for v in inside]
