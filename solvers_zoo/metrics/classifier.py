"""How well a classifier tells samples from exact ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.registry.card import MetricCard, Source

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.reference import Reference


class ClassifierTest(SampledMetric):
    """Share of held-out samples that a classifier tells right, above the half that guessing gets.

    A ridge regression of the labels on the coordinates, their squares and (up to 16 coordinates) their products, in five folds. It
    is linear in the labels, so all permutations are fitted at once and chance is exact. It sees differences of first and second
    moments, and of nothing else.
    """

    card = MetricCard(
        name="c2st",
        title="Classifier two-sample test",
        formula="P(right on held-out samples) - 1/2",
        source=Source(
            authors="Lopez-Paz & Oquab 2017",
            title="Revisiting Classifier Two-Sample Tests",
            arxiv="1610.06545",
            where="the statistic, less 1/2",
        ),
    )
    rate: ClassVar[float | None] = None
    fewest: ClassVar[int] = 10

    def figure(self, reference: Reference | None) -> Any:
        """Of two sets of samples."""
        import torch

        from solvers_zoo.metrics.folds import held_out

        return lambda x, y: held_out(torch.cat((x, y)), _labels(len(x)))[0]

    def permuted(self, reference: Reference | None, rows: Tensor, n: int, times: int) -> Tensor:
        """All permutations of the labels in one regression."""
        from solvers_zoo.metrics.folds import held_out, shuffled

        return held_out(rows, shuffled(_labels(n)[:, 0], times))


def _labels(n: int) -> Tensor:
    """+1 for n samples, then -1 for n exact ones, (2n, 1)."""
    import torch

    return torch.ones(2 * n, 1, dtype=torch.float64).index_fill_(0, torch.arange(n, 2 * n), -1)
