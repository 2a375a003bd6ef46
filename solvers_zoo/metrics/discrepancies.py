"""Distances that are means over pairs of samples."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.registry.card import MetricCard, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from solvers_zoo.metrics.pairs import Pairs
    from solvers_zoo.metrics.reference import Reference


class Pairwise(SampledMetric):
    """2 E d(X, Y) - E d(X, X') - E d(Y, Y') of some d, a distance or minus a kernel, unbiased: exact samples show 0 on average."""

    rate: ClassVar[float | None] = 1.0
    splits: ClassVar[int] = 100
    fewest: ClassVar[int] = 2

    @abstractmethod
    def distance(self, reference: Reference | None, x: Tensor, y: Tensor) -> Pairs:
        """What d is; where no law is known, of these samples and exact ones."""

    def figure(self, reference: Reference | None) -> Callable[[Tensor, Tensor], Tensor]:
        """Over all pairs."""
        from solvers_zoo.metrics.pairs import discrepancy

        return lambda x, y: discrepancy(x, y, self.distance(reference, x, y))

    def permuted(self, reference: Reference | None, rows: Tensor, n: int, times: int) -> Tensor:
        """From one matrix of d."""
        from solvers_zoo.metrics.pairs import permuted

        return permuted(rows, n, times, self.distance(None, rows[:n], rows[n:]))


class Energy(Pairwise):
    """Energy distance between samples and as many exact ones, unbiased: exact samples show 0 on average, and less half the time.

    It is 0 in expectation only if the laws are equal, and needs no bandwidth. `scipy.stats.energy_distance` is the square root of
    its biased form on the line.
    """

    card = MetricCard(
        name="energy",
        title="Energy distance",
        formula="2 E|X - Y| - E|X - X'| - E|Y - Y'|",
        unit="of the data",
        default=True,
        source=Source(
            authors="Szekely & Rizzo 2013",
            title="Energy statistics: A class of statistics based on distances",
            link="https://doi.org/10.1016/j.jspi.2013.03.018",
            where="two-sample energy distance, in U-form",
        ),
    )

    def distance(self, reference: Reference | None, x: Tensor, y: Tensor) -> Pairs:
        """|x - y|."""
        from solvers_zoo.metrics.pairs import distance

        return distance

    def figure(self, reference: Reference | None) -> Callable[[Tensor, Tensor], Tensor]:
        """Over all pairs; on the line from sorted samples."""
        from solvers_zoo.metrics.pairs import energy

        return energy


class MMD(Pairwise):
    """Squared maximum mean discrepancy to as many exact samples with a Gaussian kernel, unbiased: exact samples show 0 on average.

    The kernel's width is the median distance between exact samples (between all, where no law is known), the usual heuristic. It sees
    best what happens at that scale; the energy distance sees all scales.
    """

    card = MetricCard(
        name="mmd",
        title="Maximum mean discrepancy, squared",
        formula="E k(X, X') + E k(Y, Y') - 2 E k(X, Y),  k = exp(-|x - y|^2 / 2 h^2)",
        source=Source(
            authors="Gretton et al. 2012",
            title="A Kernel Two-Sample Test",
            link="https://jmlr.org/papers/v13/gretton12a.html",
            where="Lemma 6 (unbiased estimate)",
        ),
    )

    def distance(self, reference: Reference | None, x: Tensor, y: Tensor) -> Pairs:
        """Minus the kernel."""
        from solvers_zoo.metrics.pairs import gauss, width_of

        return gauss(width_of(x, y) if reference is None else reference.median_distance)
