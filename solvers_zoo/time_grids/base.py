"""Time grids: the points a solver goes through, made once before it starts."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.card import GridCard
from solvers_zoo.errors import DomainError
from solvers_zoo.options import Configurable

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE, GaussianPoint


class Grid(Sequence["GaussianPoint"]):
    """N + 1 strictly monotone points of an SDE: decreasing to sample, increasing to encode.

    Args:
        sde: the process.
        points: points of it, or times (floats). In per-sample stepping the points hold tensors and go unchecked.
        smooth: whether the times are a smooth map of i/N, which constant-coefficient methods rely on.

    Raises:
        DomainError: fewer than two times, repeated or turning ones, or one outside [t_min, t_max].

    """

    def __init__(self, sde: SDE, points: Sequence[Any], smooth: bool = True) -> None:
        self.sde = sde
        self.smooth = smooth
        if isinstance(points[0] if len(points) else None, int | float):
            points = [sde.at(t) for t in check_times(sde, points)]
        self.points = tuple(points)

    @property
    def times(self) -> list[float]:
        """The times."""
        return [point.t for point in self.points]

    @property
    def steps(self) -> int:
        """Number of intervals N."""
        return len(self.points) - 1

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def intervals(self) -> Iterator[tuple[GaussianPoint, GaussianPoint]]:
        """Pairs of neighbouring points (t, s)."""
        return pairwise(self.points)

    def __repr__(self) -> str:
        return f"Grid({self.sde}, {self.times})"


def check_times(sde: SDE, times: Sequence[float]) -> list[float]:
    """The times as floats if they make a grid on ``sde``; `DomainError` says what is wrong otherwise."""
    times = [float(t) for t in times]
    if len(times) < 2:
        raise DomainError(f"A grid needs at least two times (one step), got {len(times)}.")
    for i, t in enumerate(times):
        if math.isnan(t):
            raise DomainError(f"Time {i} of the grid is not a number.")
        if t == 0.0 and t < sde.t_min:
            raise DomainError(
                "The grid ends at sigma = 0, where the score does not exist: end it at a small sigma > 0 and ask for "
                "denoise=True (--denoise), which takes the last step exactly there."
            )
        slack = 1e-12 * max(abs(sde.t_min), abs(sde.t_max))
        if not sde.t_min - slack <= t <= sde.t_max + slack:
            raise DomainError(
                f"Time {t:g} of the grid lies outside [{sde.t_min:g}, {sde.t_max:g}], where {sde} is defined; "
                "widen t_min or t_max of the process, or move the grid."
            )
    steps = [b - a for a, b in pairwise(times)]
    for i, h in enumerate(steps):
        if h == 0 or h * steps[0] < 0:
            what = "repeats" if h == 0 else "turns back at"
            raise DomainError(
                f"The grid {what} t = {times[i]:g} (times {i} and {i + 1}); it must be strictly monotone."
            )
    return times


class GridRule(Configurable):
    """A rule that makes N + 1 times from a process and a number of steps; its fields are its options."""

    card: ClassVar[GridCard]

    @abstractmethod
    def times(self, sde: Any, steps: int) -> Sequence[float]:
        """``steps`` + 1 times, strictly decreasing from t_max to t_min."""

    def make_grid(self, sde: SDE, steps: int) -> Grid:
        """The checked grid of ``steps`` intervals on ``sde``."""
        return Grid(sde, self.times(sde, steps), smooth=self.card.smooth)
