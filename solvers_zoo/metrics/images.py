"""Distances between images in the features of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.metrics.discrepancies import Pairwise
from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.registry.card import MetricCard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.base import Case, Measured
    from solvers_zoo.metrics.pairs import Pairs
    from solvers_zoo.metrics.reference import Reference


class _Featured(SampledMetric):
    features: str = option(
        "",
        help="network from images to features: digits, file.py:name or package.module:name; raw pixels if none is given",
    )
    fewest: ClassVar[int] = 2

    def rows(self, reference: Reference | None, x: Tensor) -> Tensor:
        """Features as they are."""
        return x

    def measure(self, case: Case) -> Measured:
        """The distance of the results' features from those of as many exact samples.

        Raises:
            IncompatibleError: too few samples.
            ModelError: the network cannot be loaded, or does not give features of these samples.
            NotFiniteError: samples that are not finite.

        """
        from solvers_zoo.metrics.chance import measured
        from solvers_zoo.metrics.features import features

        return measured(self, None, features(self.features, case.x), lambda n: features(self.features, case.exact(n)))


class Frechet(_Featured):
    """Frechet distance between Gaussians fitted to the features of results and of as many exact samples.

    With Inception features it is FID. Without a network it is taken of **raw pixels**, which says little about how images look: name
    the network with every figure. It is biased upwards, the more the fewer samples there are, so compare at equal n only; chance is
    told by permutations, whose cost grows as F^3 for F features.
    """

    card = MetricCard(
        name="frechet",
        title="Frechet distance of features (raw pixels without a network)",
        formula="|m - m'|^2 + tr(C + C' - 2 (C C')^1/2)",
        source=Source(
            authors="Heusel et al. 2017",
            title="GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
            arxiv="1706.08500",
            where="Frechet Inception Distance",
        ),
    )
    rate: ClassVar[float | None] = None

    def figure(self, reference: Reference | None) -> Any:
        """Of two sets of features."""
        from solvers_zoo.metrics.distances import frechet

        return frechet

    def permuted(self, reference: Reference | None, rows: Tensor, n: int, times: int) -> Tensor:
        """In double precision: a root of products of covariances has no digits to lose."""
        from solvers_zoo.metrics.chance import permuted

        return permuted(self, reference, rows, n, times)


class KernelDistance(_Featured, Pairwise):
    """Squared maximum mean discrepancy of features with the cubic kernel, unbiased at any n: exact samples show 0 on average.

    With Inception features it is KID. Without a network it is taken of **raw pixels**, which says little about how images look: name
    the network with every figure.
    """

    card = MetricCard(
        name="kernel",
        title="Kernel distance of features (raw pixels without a network)",
        formula="E k(X, X') + E k(Y, Y') - 2 E k(X, Y),  k = (<x, y> / F + 1)^3",
        source=Source(
            authors="Binkowski et al. 2018",
            title="Demystifying MMD GANs",
            arxiv="1801.01401",
            where="Kernel Inception Distance",
        ),
    )

    def distance(self, reference: Reference | None, x: Tensor, y: Tensor) -> Pairs:
        """Minus the kernel."""
        from solvers_zoo.metrics.pairs import cubic

        return cubic
