"""Wasserstein distances of one-dimensional projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.registry.card import MetricCard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.reference import Reference

_BONNEEL = Source(
    authors="Bonneel, Rabin, Peyre & Pfister 2015",
    title="Sliced and Radon Wasserstein Barycenters of Measures",
    link="https://doi.org/10.1007/s10851-014-0506-3",
    where="sliced Wasserstein distance",
)


class _Sliced(SampledMetric):
    directions: int = option(64, help="projections: fixed ones, evenly spread in the plane", low=1)

    def rows(self, reference: Reference | None, x: Tensor) -> Tensor:
        """Projections, (n, M)."""
        from solvers_zoo.metrics.distances import directions_of

        return super().rows(reference, x) @ directions_of(x.shape[1], self.directions)

    def summary(self, rows: Tensor) -> Tensor:
        """Sorted columns, (..., M, n)."""
        from solvers_zoo.metrics.distances import ranked

        return ranked(rows)


class SlicedW1(_Sliced):
    """Mean over fixed directions of the Wasserstein-1 distance between projected samples and as many exact ones.

    In one dimension it is the distance itself. It is in the units of the data; exact samples show about n^-1/2.
    """

    card = MetricCard(
        name="sliced-w1",
        title="Sliced Wasserstein-1 distance",
        formula="mean_u W1(<u, X>, <u, Y>)",
        unit="of the data",
        default=True,
        source=_BONNEEL,
    )
    partners: ClassVar[int] = 2

    def figure(self, reference: Reference | None) -> Any:
        """Of sorted columns."""
        from solvers_zoo.metrics.distances import w1_of_ranks

        return w1_of_ranks


class SlicedW2(_Sliced):
    """Root mean square over fixed directions of the Wasserstein-2 distance between projected samples and as many exact ones.

    Where modes are far apart exact samples show as much as n^-1/4, since each mode gets a few samples too many or too few that
    have far to go: prefer sliced-w1. No power of n holds for all laws, so chance is told by permutations.
    """

    card = MetricCard(
        name="sliced-w2",
        title="Sliced Wasserstein-2 distance",
        formula="sqrt(mean_u W2(<u, X>, <u, Y>)^2)",
        unit="of the data",
        source=_BONNEEL,
    )
    rate: ClassVar[float | None] = None

    def figure(self, reference: Reference | None) -> Any:
        """Of sorted columns."""
        from solvers_zoo.metrics.distances import w2_of_ranks

        return w2_of_ranks
