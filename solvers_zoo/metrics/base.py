"""What a figure of merit is: a class with a card and `measure`.

    class MeanError(Metric):
        card = MetricCard(name="mean-error", title="Error of the mean", formula="|m' - m|", source=...)

        def measure(self, case):
            mean, _ = case.law.moments(case.point)
            ...
            return Measured(value, n=len(case.x), floor=floor, sd=sd)

A figure that is estimated from samples says what exact samples would show (``floor``), how much that varies (``sd``), and how
often they show as much (``p``); one that is worked out without sampling has none of these. `solvers_zoo.metrics.sampled` has the
class for the former.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.registry.card import MetricCard
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.score_models.analytic import AnalyticModel
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver
    from solvers_zoo.time_grids.base import Grid

#: Chance, among exact samples, of a figure as large as one that is called different from theirs.
LEVEL = 0.05


@dataclass(frozen=True)
class Measured:
    """A figure, and what exact samples would show in its place."""

    value: float
    n: int
    """Samples (or trajectories, or cells of an exact integration) behind the value."""
    floor: float = 0.0
    """Mean over sets of exact samples of the same size: what sampling alone shows. 0 where nothing is sampled."""
    sd: float = 0.0
    """Standard deviation of one such figure. 0 where nothing is sampled."""
    p: float | None = None
    """Chance of a figure at least this large among exact samples: one-sided, of this figure alone, from resampling."""
    error: float = 0.0
    """Standard error of the value, where it is a mean over random starts; 0 where there is none or it is not known."""

    @property
    def z(self) -> float | None:
        """(value - floor) / sd; None where nothing is sampled."""
        return (self.value - self.floor) / self.sd if self.sd > 0 else None

    @property
    def ties(self) -> bool:
        """Whether exact samples show as much in more than `LEVEL` of cases; false where nothing is sampled.

        By the resampling distribution rather than by z: figures of merit are skewed, and a z of 2 is no fixed chance.
        """
        return self.p is not None and self.p > LEVEL


@dataclass(frozen=True, eq=False)
class Case:
    """A finished run, as a metric sees it.

    Attributes:
        model: the score model that was sampled from.
        solver: what took the steps.
        grid: the times.
        x: the samples, (n, *shape).
        start: the state that they came from, at ``grid[0]``, (n, *shape).
        seed: of the run; metrics draw from streams that no run uses.
        denoised: whether the run ended with a last denoise.
        exact_start: whether it began with the exact law at ``grid[0]`` rather than with the prior.
        push: the run's own map from states at ``grid[0]`` (any number of them) to results; differentiable.
        exact: ``exact(n)``: n exact samples of the law the results should have (n, *shape), float64, of a stream of their own.
            Without a law in closed form they are the reference flow of fresh starts; made once and kept.
        flow: ``flow(n)``: where the exact probability flow takes the first n starts, (n, *shape), float64; made once and kept.

    """

    model: ScoreModel
    solver: Solver
    grid: Grid
    x: Tensor
    start: Tensor
    seed: int
    denoised: bool
    exact_start: bool
    push: Callable[[Tensor], Tensor]
    exact: Callable[[int], Tensor]
    flow: Callable[[int], Tensor]

    @property
    def law(self) -> AnalyticModel | None:
        """The law in closed form, if it is known."""
        return self.model.analytic

    @property
    def point(self) -> Any:
        """Where the results are on the schedule: the last time, or the data's own point after a denoise."""
        return Clean() if self.denoised else self.grid[-1]


@dataclass(frozen=True)
class Clean:
    """The point of the data themselves; the trace of noise tells point masses apart."""

    alpha: float = 1.0
    sigma: float = 1e-9


class Metric(Configurable):
    """A figure of merit; smaller is better and 0 is exact. Its fields are its options."""

    card: ClassVar[MetricCard]

    def supports(self, case: Case) -> str:
        """Why it has no meaning for a run (the words end a sentence), or ``""``; looks at model, solver and grid only."""
        return ""

    @abstractmethod
    def measure(self, case: Case) -> Measured:
        """The figure of a finished run.

        Raises:
            ZooError: it cannot be had after all; the reason becomes the cell's.

        """
