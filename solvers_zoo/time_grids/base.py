"""Time grids: the points a solver goes through, made once before it starts."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.errors import DomainError, IncompatibleError, OptionError, ZooError
from solvers_zoo.registry.card import GridCard
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE, GaussianPoint
    from solvers_zoo.time_grids.fitting import Fitting


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
        if len(points) == 0 or isinstance(points[0], int | float):
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


#: Steps where nobody says how many.
DEFAULT_STEPS = 20


def _gaussian(sde: SDE) -> ZooError | None:
    if sde.gaussian:
        return None
    return IncompatibleError(
        f"{sde} is not of the form alpha X_0 + sigma eps, so it has no log-SNR; take grid='uniform'."
    )


def _finite_lam(sde: SDE) -> ZooError | None:
    if not sde.gaussian or math.isfinite(sde.as_gaussian().at(sde.t_max).lam):
        return _gaussian(sde)
    lower = f", or a lower t_max ({sde.spec_name()}(t_max=0.999))" if "t_max" in sde.options() else ""
    return DomainError(
        f"alpha = 0 at t_max = {sde.t_max:g} of {sde}, so the log-SNR there is infinite; "
        f"take a grid in t (uniform, quadratic), explicit times that start below t_max{lower}."
    )


def _discrete(sde: SDE) -> ZooError | None:
    return (
        None
        if sde.discrete
        else IncompatibleError(f"the times of {sde} are not indices of a table; take grid='uniform'.")
    )


#: What a grid card's ``needs`` may name: each gives the error that says why a process will not do, or None.
GRID_NEEDS: dict[str, Callable[[SDE], ZooError | None]] = {
    "gaussian": _gaussian,
    "finite-lam": _finite_lam,
    "discrete": _discrete,
}


class GridRule(Configurable):
    """A rule that makes N + 1 times from a process and a number of steps; its fields are its options."""

    card: ClassVar[GridCard]

    @abstractmethod
    def times(self, sde: Any, steps: int) -> Sequence[float]:
        """``steps`` + 1 times, strictly decreasing from t_max to t_min."""

    def fit(self, fitting: Fitting, steps: int) -> Sequence[float]:
        """The times for a given model and solver; rules that are not fitted look at the process only."""
        return self.times(fitting.model.sde, steps)

    def fixed_steps(self, sde: SDE) -> int | None:
        """The number of steps that the options leave no choice of, or None where any will do."""
        return None

    def make_grid(self, sde: SDE, steps: int | None = None, fitting: Fitting | None = None) -> Grid:
        """The checked grid of ``steps`` intervals on ``sde``; by default as many as the rule fixes, or 20.

        Args:
            sde: the process.
            steps: number of intervals.
            fitting: model and solver that the grid is for; a fitted rule cannot do without.

        Raises:
            OptionError: an impossible number of steps, or not the one that the rule's options fix.
            IncompatibleError: the rule needs something that the process has not.
            DomainError: the rule makes no grid here, and why.

        """
        for need in self.card.needs:
            if error := GRID_NEEDS[need](sde):
                raise type(error)(f"The grid {self} makes no times here: {error}")
        fixed = self.fixed_steps(sde)
        if steps is None:
            steps = DEFAULT_STEPS if fixed is None else fixed
        if isinstance(steps, bool) or steps % 1 != 0 or steps < 1:
            raise OptionError(f"steps = {steps} is not possible; it takes a whole number >= 1.")
        if fixed is not None and steps != fixed:
            raise OptionError(f"The grid {self} makes {fixed} steps on {sde}, not {steps}: leave steps and nfe out.")
        try:
            times = self.times(sde, int(steps)) if fitting is None else self.fit(fitting, int(steps))
        except ArithmeticError as error:
            raise DomainError(
                f"The grid {self} makes no {steps} steps on {sde}: {error}; change its options."
            ) from error
        if len(times) != steps + 1:
            raise DomainError(f"The grid {self} made {len(times) - 1} steps where {steps} were asked for.")
        return Grid(sde, times, smooth=self.card.smooth)
