"""Distances between single coordinates and their exact laws, where those are mixtures of normals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.registry.card import MetricCard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.base import Measured
    from solvers_zoo.metrics.reference import Reference
    from solvers_zoo.score_models.analytic import AnalyticModel


class _Marginal(SampledMetric):
    paired: ClassVar[bool] = False

    def refuses(self, law: AnalyticModel | None) -> str:
        """Distribution functions are known of Gaussians and mixtures."""
        from solvers_zoo.exact.transport import has_distribution

        return "" if has_distribution(law) else "it needs the distribution function of every coordinate in closed form"


class MarginalKS(_Marginal):
    """Largest distance between the empirical distribution function of a coordinate and its exact one, over all coordinates.

    The worst of D coordinates is larger by chance than one alone: floor and p are those of the worst, so the number of coordinates
    is accounted for. One coordinate is `scipy.stats.ks_1samp`. Exact samples show about n^-1/2.
    """

    card = MetricCard(
        name="marginal-ks",
        title="Kolmogorov-Smirnov distance of the worst coordinate",
        formula="max_j sup_x |F'_j(x) - F_j(x)|",
        source=Source(
            authors="Massey 1951",
            title="The Kolmogorov-Smirnov Test for Goodness of Fit",
            link="https://doi.org/10.1080/01621459.1951.10500769",
            where="the statistic",
        ),
    )

    def rows(self, reference: Reference | None, x: Tensor) -> Tensor:
        """Exact distribution functions at the samples, (n, D)."""
        from solvers_zoo.metrics.levels import levels

        assert reference is not None  # `refuses`
        return levels(reference, x)

    def summary(self, rows: Tensor) -> Tensor:
        """Sorted columns, (..., D, n)."""
        from solvers_zoo.metrics.distances import ranked

        return ranked(rows)

    def figure(self, reference: Reference | None) -> Any:
        """Of sorted levels."""
        from solvers_zoo.metrics.distances import worst_ks

        return lambda levels, _: worst_ks(levels)

    def scale(self, size: int, n: int) -> float:
        """As n^-1/2 with the next terms, sqrt(n) + 0.12 + 0.11 / sqrt(n) (Stephens 1970)."""
        few, many = (count**0.5 + 0.12 + 0.11 * count**-0.5 for count in (size, n))
        return float(few / many)


class MarginalTV(_Marginal):
    """Total variation between a kernel density estimate of one coordinate and its exact density, as Huang et al. estimate it.

    In 1000 cells over the mean +- 4 standard deviations, with a bandwidth of std/6 (4 / 3n)^(1/5), which for their mixture are their
    range and bandwidth. The estimate is blurred, so exact samples show some n^-2/5; their cell counts are drawn from the exact
    masses of the cells.
    """

    card = MetricCard(
        name="marginal-tv",
        title="Total variation of one coordinate, by kernel density",
        formula="1/2 int |p'_h(x_j) - p(x_j)| dx_j",
        source=Source(
            authors="Huang, Huang & Lin 2024",
            title="Convergence Analysis of Probability Flow ODE for Score-based Generative Models",
            arxiv="2404.09730",
            where="the authors' notebook Gaussian-mixture-density.ipynb",
        ),
    )
    rate: ClassVar[float | None] = 0.4
    axis: int = option(0, help="the coordinate", low=0)

    def rows(self, reference: Reference | None, x: Tensor) -> Tensor:
        """The coordinate itself."""
        return x[:, [self.axis]]

    def figure(self, reference: Reference | None) -> Any:
        """Of the coordinate of one set."""
        from solvers_zoo.metrics.levels import Density

        assert reference is not None  # `refuses`
        return lambda x, _: Density.of(reference, self.axis, x.shape[-2]).distance(x[..., 0])

    def against(
        self, reference: Reference | None, x: Tensor, exact: Callable[[int], Tensor], figures: int | None = None
    ) -> Measured:
        """Beside counts of exact samples, which need no samples to be drawn."""
        from solvers_zoo.errors import OptionError
        from solvers_zoo.metrics.chance import compared
        from solvers_zoo.metrics.levels import Density

        assert reference is not None  # `refuses`
        if self.axis >= x.shape[1]:
            raise OptionError(f"{self} asks for coordinate {self.axis}, and samples have {x.shape[1]}, counted from 0.")
        density = Density.of(reference, self.axis, len(x))
        return compared(float(density.distance(x[:, self.axis])), len(x), density.shown)
