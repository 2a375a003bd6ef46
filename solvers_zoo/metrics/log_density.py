"""Samples judged by the density of the law where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.registry.card import MetricCard, Source

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.reference import Reference
    from solvers_zoo.score_models.analytic import AnalyticModel


class LogDensity(SampledMetric):
    """Kolmogorov-Smirnov distance between log p at the samples and log p at as many exact ones, p the exact density.

    Samples that are a little too narrow or too wide in every direction, as those of few steps are, add up to a large change of log p:
    in many dimensions, or with modes far apart, it finds errors that means over all directions do not. It is blind to what
    leaves log p alone, such as a wrong weight between modes of one shape.
    """

    card = MetricCard(
        name="log-density",
        title="Kolmogorov-Smirnov distance of log densities",
        formula="sup_l |P(log p(X) <= l) - P(log p(Y) <= l)|",
        source=Source(
            authors="Massey 1951",
            title="The Kolmogorov-Smirnov Test for Goodness of Fit",
            link="https://doi.org/10.1080/01621459.1951.10500769",
            where="the statistic, of two samples",
        ),
    )

    def refuses(self, law: AnalyticModel | None) -> str:
        """The density has to be known."""
        return "it needs the density of the law in closed form" if law is None else ""

    def rows(self, reference: Reference | None, x: Tensor) -> Tensor:
        """Log densities, (n, 1)."""
        assert reference is not None  # `refuses`
        shaped = x.view(-1, *reference.law.shape)
        return reference.law.log_density(shaped, reference.point)[:, None]

    def figure(self, reference: Reference | None) -> Any:
        """Of two samples on the line."""
        from solvers_zoo.metrics.distances import two_sample_ks

        return two_sample_ks
