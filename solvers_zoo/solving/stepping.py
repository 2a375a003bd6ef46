"""The solver interface: a narrow waist (`Solver.solve`) and the class nearly every author writes (`StepSolver`).

    class Euler(StepSolver):
        card = SolverCard(...)

        def step(self, model, x, interval, memory, noise):
            t, s = interval.t, interval.s
            return Step(model(x, t).mix(s.alpha, s.sigma))

Solvers are immutable and pure: whatever a step needs of earlier ones travels in ``memory``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from solvers_zoo.registry.card import SolverCard
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws, Noise
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import SDE, GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.time_grids.base import Grid


@dataclass(frozen=True, slots=True)
class State:
    """Where a run stands after ``index`` steps; all that is needed to go on, bit for bit.

    Attributes:
        index: steps done.
        point: point of the schedule reached; in per-sample stepping its fields are tensors (B, 1, ...).
        x: the state, (B, ...).
        memory: what the solver carries: nested tuples of tensors and numbers, or None.

    """

    index: int
    point: GaussianPoint
    x: Tensor
    memory: Any = None


class Interval(NamedTuple):
    """One step of the grid, from point ``t`` to point ``s``; ``plan`` is the solver's own record for it, ``number`` its place.

    On a process that is not Gaussian the points are plain `Point` objects; a solver that needs more says so in its card.
    """

    t: GaussianPoint
    s: GaussianPoint
    plan: Any = None
    number: int = 0


class Step(NamedTuple):
    """What a step gives: the new state, the memory to carry, and an estimate of its local error where there is one."""

    x: Tensor
    memory: Any = None
    error: Tensor | None = None


class Past(NamedTuple):
    """A past prediction ``D`` with the point of the schedule where it was made: t, and the half log-SNR lam."""

    t: Scalar
    lam: Scalar
    D: Tensor


def remember(past: Past, history: tuple[Past, ...] | None, keep: int) -> tuple[Past, ...]:
    """The history with ``past`` put in front, newest first, cut to ``keep`` entries."""
    return (past, *(history or ()))[:keep]


def _gaussian(sde: SDE, grid: Grid | None) -> str | None:
    return None if sde.gaussian else f"{sde} is not of the form alpha X_0 + sigma eps"


def _finite_lam(sde: SDE, grid: Grid | None) -> str | None:
    if grid is None or all(math.isfinite(point.lam) for point in (grid[0], grid[-1])):
        return None
    return (
        f"alpha = 0 at t = {max(grid.times):g}, so the log-SNR there is infinite and intermediate stages have no place; "
        "start the grid a little below t_max (t_max of the process), or use a first-order solver or variable=t"
    )


def _finite_end(sde: SDE, grid: Grid | None) -> str | None:
    if grid is None or math.isfinite(grid[-1].lam):
        return None
    return (
        f"alpha = 0 at t = {grid[-1].t:g}, where this grid ends, so the log-SNR there is infinite and what the method has "
        "learnt of earlier steps cannot be carried so far; end the grid a little below t_max, or use a first-order solver"
    )


def _finite_diffusion(sde: SDE, grid: Grid | None) -> str | None:
    if grid is None or all(math.isfinite(point.g2) for point in (grid[0], grid[-1])):
        return None
    return (
        f"the diffusion g of {sde} is infinite at t = {max(grid.times):g}, where alpha = 0; "
        "start the grid a little below t_max, or use a solver of the probability flow"
    )


def _decreasing(sde: SDE, grid: Grid | None) -> str | None:
    if grid is None or grid[0].t > grid[-1].t:
        return None
    return "it runs from noise to data only, and this grid increases"


def _smooth(sde: SDE, grid: Grid | None) -> str | None:
    if grid is None or grid.smooth:
        return None
    return "its coefficients are those of equal steps, and this grid's steps do not change smoothly"


#: What a card's ``needs`` may name: each gives the reason why (sde, grid) will not do, or None.
NEEDS: dict[str, Callable[[SDE, Grid | None], str | None]] = {
    "gaussian": _gaussian,
    "finite-lam": _finite_lam,
    "finite-end": _finite_end,
    "finite-diffusion": _finite_diffusion,
    "decreasing": _decreasing,
    "smooth": _smooth,
}


class Solver(Configurable, ABC):
    """Anything that carries a state through a grid. External integrators override `solve`."""

    card: ClassVar[SolverCard]

    @abstractmethod
    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Carry ``x`` from grid[0] to grid[-1] and yield a `State` after every step.

        Args:
            model: one call costs one evaluation.
            x: the start at grid[0], (B, ...); never changed in place.
            grid: its points.
            noise: where randomness comes from.
            state: a state yielded earlier, to go on from there; ``x`` is then ignored.

        """

    def facts(self) -> SolverCard:
        """The card as these options make it; the class's own unless overridden."""
        return self.card

    def nfe(self, steps: int) -> int | None:
        """Model calls in ``steps`` steps; None where only a run can tell."""
        each = self.facts().evaluations
        return None if each is None else round(each * steps)

    def stationary_variance(self, variance: float, grid: Grid) -> float | None:
        """Where the variance of a biased chain settles on a Gaussian whose exact one at the end of ``grid`` is ``variance``.

        None where there is no bias, or no closed form of it.
        """
        return None

    def finer(self) -> Solver | None:
        """The same chain with half its step, where the card says how its bias falls with it; else None."""
        return None

    def report(self, state: State) -> dict[str, object]:
        """Figures of a finished run for ``Result.stats``: numbers, or tensors with one entry a sample."""
        return {}

    def supports(self, sde: SDE, grid: Grid | None = None) -> str | None:
        """Why this solver cannot run on ``sde`` (and ``grid``), or None if it can."""
        reasons = (NEEDS[need](sde, grid) for need in self.facts().needs)
        return next((reason for reason in reasons if reason), None)


def made_of_steps(solver: Solver) -> StepSolver:
    """``solver`` as one made of steps, for a wrapper that takes these steps itself; its `check` has refused any other."""
    assert isinstance(solver, StepSolver)
    return solver


class StepSolver(Solver):
    """A solver written as one pure step; the loop over the grid is here, once."""

    def plan(self, grid: Grid) -> Sequence[Any]:
        """One record an interval of whatever is worth computing once a grid; by default those of `plan_interval`."""
        return [self.plan_interval(grid, t, s) for t, s in grid.intervals()]

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> Any:
        """The record of the interval from ``t`` to ``s``, for a solver that makes each by itself; none by default."""
        return None

    def estimating(self) -> StepSolver:
        """The solver to use where `Step.error` is wanted: itself, unless an option switches the estimate on."""
        return self

    @abstractmethod
    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """Go from ``interval.t`` to ``interval.s``.

        Args:
            model: ``model(x, point)`` is one evaluation.
            x: state at ``interval.t``, (B, ...); not to be changed in place.
            interval: the two points, and this solver's plan for them. Their fields are floats, or tensors (B, 1, ...) in
                per-sample stepping; a step never branches on their values.
            memory: what the last step left; None on the first.
            noise: the random numbers of this step.

        """

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Step through the grid."""
        if state is None:
            state = State(0, grid[0], x)
        del x  # not to keep the start alive beside the states
        points, plans = grid.points, self.plan(grid)
        for index in range(state.index, grid.steps):
            s = points[index + 1]
            interval = Interval(points[index], s, plans[index], index)
            x_s, memory, _ = self.step(model, state.x, interval, state.memory, noise.at(index))
            state = State(index + 1, s, x_s, memory)
            yield state
