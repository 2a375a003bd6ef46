"""What chance shows: a figure beside those of exact samples, from resampling or from permutations.

Where the law is known, `Reference.shown` draws exact samples, compares them among themselves and keeps the result for all
runs. Where it is not, or where a figure follows no power of n, the run's samples and the exact ones are pooled and split at
random: if both had one law every split would be as likely as the true one, which makes the chance exact whatever the law is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.metrics.base import Measured
from solvers_zoo.metrics.reference import FIGURES

if TYPE_CHECKING:
    from solvers_zoo.metrics.reference import Reference
    from solvers_zoo.metrics.sampled import SampledMetric

#: Random splits of a permutation test: with the true one 400, of which 5 % is a whole number.
SPLITS = 399

#: Numbers in the splits that are worked on together, so that they stay in the processor's cache.
_NUMBERS = 2**17

#: Samples of each side that are permuted, where the figure can be scaled to more.
_PERMUTED = 2048


def measured(
    metric: SampledMetric,
    reference: Reference | None,
    x: Tensor,
    exact: Callable[[int], Tensor],
    figures: int | None = None,
) -> Measured:
    """`SampledMetric.against`, for every metric that does not know better."""
    n = len(x)
    if n < metric.fewest:
        raise IncompatibleError(f"{metric} needs at least {metric.fewest} samples, and this run has {n}; raise -n.")
    paired = metric.paired or reference is None
    rows = metric.rows(reference, x)
    others = metric.rows(reference, exact(n)) if paired else rows
    value = metric.figure(reference)(metric.summary(rows), metric.summary(others))
    if reference is not None and metric.rate is not None:
        shown = reference.shown(metric, n, figures or FIGURES)
    else:
        few = n if metric.rate is None else min(n, _PERMUTED)
        pooled = torch.cat((rows[:few], others[:few]))
        shown = metric.permuted(reference, pooled, few, SPLITS).double() * metric.scale(few, n)
    return compared(float(value), n, shown)


def compared(value: float, n: int, shown: Tensor) -> Measured:
    """A figure beside those that exact samples show."""
    chance = (1 + int((shown >= value).sum())) / (1 + len(shown))
    return Measured(value, n, float(shown.mean()), float(shown.std()), chance)


def permuted(metric: SampledMetric, reference: Reference | None, rows: Tensor, n: int, times: int) -> Tensor:
    """The figure of the first n rows and the rest after each of ``times`` shuffles."""
    generator, figure, found = torch.Generator().manual_seed(1), metric.figure(reference), []
    together = max(1, _NUMBERS // rows.numel())
    for first in range(0, times, together):
        count = min(together, times - first)
        order = torch.stack([torch.randperm(len(rows), generator=generator) for _ in range(count)])
        found.append(figure(metric.summary(rows[order[:, :n]]), metric.summary(rows[order[:, n:]])))
    return torch.cat(found)
