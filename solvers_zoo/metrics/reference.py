"""The law that results should have, with exact samples of it and what they show of every figure."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo.errors import NotFiniteError
from solvers_zoo.metrics.base import Clean
from solvers_zoo.metrics.pairs import median_distance
from solvers_zoo.noise.seeded import SeededNoise

if TYPE_CHECKING:
    from solvers_zoo.metrics.sampled import SampledMetric
    from solvers_zoo.score_models.analytic import AnalyticModel

#: Seed of the exact samples that tell what chance shows: one that no run is likely to have.
SEED = 0x5A3F_C0DE_1DEA_F00D

#: Figures of exact samples behind a floor. A chance of 5 % is then known to within 0.35 %, or 0.5 % where figures share sets.
FIGURES = 4000

#: Most exact samples in a pool, and most numbers.
_POOL, _NUMBERS = 2**17, 2**22

#: Most sets that are worked on together, and most numbers, so that they stay in the processor's cache.
_TOGETHER, _BLOCK = 32, 2**18


@dataclass(frozen=True, eq=False)
class Reference:
    """A law at one point.

    Attributes:
        law: the model.
        point: where on its schedule.
        mean: (D,), float64.
        cov: (D, D), float64.

    """

    law: AnalyticModel
    point: Any
    mean: Tensor
    cov: Tensor
    _shown: dict[Any, Tensor] = field(default_factory=dict)

    @functools.cached_property
    def median_distance(self) -> float:
        """Median of |X - X'|, of a thousand exact samples."""
        return median_distance(_pool(self)[:1000] - self.mean)

    def shown(self, metric: SampledMetric, n: int, figures: int = FIGURES) -> Tensor:
        """The figures that sets of n exact samples show, in ascending order; kept for the next run on this law.

        Sets have at most ``metric.size`` samples and their figures are scaled to n. They are cut from a pool of exact
        samples that is shuffled when it is used up: what two overlapping sets show is related only to second order in the
        overlap, as every figure here is even in the sets' errors.
        """
        key = (metric, n, figures)
        if key not in self._shown:
            size = min(n, metric.size)
            # single precision, which sorts and multiplies several times faster: chance is known to 1 %, not to 1e-7
            rows = metric.rows(self, _pool(self)).float()
            found = (self._split if metric.splits else self._compared)(metric, rows, size, figures)
            self._shown[key] = (torch.cat(found).double() * metric.scale(size, n)).sort().values
        return self._shown[key]

    def _compared(self, metric: SampledMetric, rows: Tensor, size: int, figures: int) -> list[Tensor]:
        figure, found = metric.figure(self), []
        others = range(1, metric.partners + 1) if metric.paired else (0,)
        for each in _sets(rows, -(-figures // len(others)), size, max(others)):
            x = metric.summary(each)
            found += [figure(x, x.roll(step, 0) if step else x) for step in others]
        return found

    def _split(self, metric: SampledMetric, rows: Tensor, size: int, figures: int) -> list[Tensor]:
        doubles = -(-figures // metric.splits)
        return [
            metric.permuted(self, double, size, metric.splits)
            for some in _sets(rows, doubles, 2 * size, 0)
            for double in some
        ]


def reference(law: AnalyticModel, point: Any) -> Reference:
    """The law of an analytic model at a point, the same object for the same law and place."""
    return _reference(law, float(point.alpha), float(point.sigma))


@functools.lru_cache(maxsize=64)
def _reference(law: AnalyticModel, alpha: float, sigma: float) -> Reference:
    point = Clean(alpha, sigma)
    return Reference(law, point, *law.moments(point))


@functools.lru_cache(maxsize=2)  # tens of megabytes each
def _pool(reference: Reference) -> Tensor:
    """Exact samples (P, D), float64."""
    size = len(reference.mean)
    count = min(_POOL, max(_NUMBERS // size, 2**13))
    noise = SeededNoise(SEED, range(count), reference.law.shape, torch.float64)
    return reference.law.draw(reference.point, noise.data()).reshape(count, size)


def _sets(rows: Tensor, count: int, size: int, partners: int) -> Iterator[Tensor]:
    """``count`` sets of ``size`` rows, some at a time: (c, size, F), c large enough for every pair to be another."""
    together = max(min(_TOGETHER, _BLOCK // (size * rows.shape[1])), 2 * partners + 1)
    generator = torch.Generator().manual_seed(0)
    whole = len(rows) // size
    order = torch.empty(0, dtype=torch.int64)
    while count > 0:
        wanted = min(together, count) if count - together > 2 * partners else count
        while len(order) < wanted * size:
            order = torch.cat((order, torch.randperm(len(rows), generator=generator)[: whole * size]))
        yield rows[order[: wanted * size]].view(wanted, size, -1)
        order = order[wanted * size :]
        count -= wanted


def flat(x: Tensor) -> Tensor:
    """Samples of any shape, dtype and device as (n, D), float64, on the CPU.

    Raises:
        NotFiniteError: some are not finite.

    """
    rows = x.detach().cpu().double().reshape(len(x), -1)
    bad = int((~torch.isfinite(rows).all(1)).sum())
    if bad:
        raise NotFiniteError(
            f"{bad} of {len(rows)} samples are not finite, so they have no distance to a law; look for the step where the run "
            "went wrong with `zoo check`, or leave these samples out."
        )
    return rows
