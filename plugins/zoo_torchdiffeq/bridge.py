"""torchdiffeq's solvers as solvers of the zoo: one class a kind of stepping, and no method of its own."""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo import VARIABLES, IncompatibleError, ModelError, Solver, SolverCard, State, ZooError, combine, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import GaussianPoint, Grid, Noise, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar

#: Steps between two times of a grid after which an adaptive method gives up: its tolerance is out of reach.
_MOST_STEPS = 10_000


class Flow:
    """The probability flow as torchdiffeq wants it, a function of a clock and a scaled state: dy/du.

    Whatever torchdiffeq asks for, the model is called at times of the grid's own range only: times come as tensors of the
    state's dtype, so the ends may come rounded, and first-step heuristics look beyond them.
    """

    def __init__(
        self, model: ScoreModel, grid: Grid, variable: str, resolution: float, rounds: float = math.inf
    ) -> None:
        self.model, self.sde, self.variable = model, grid.sde, VARIABLES[variable]
        self.points = {float(self.variable.clock(point)): point for point in grid}
        clocks = list(self.points)
        self.clocks, self.way = sorted(clocks), clocks[-1] - clocks[0]
        self.resolution = resolution
        self.clock, self.point = math.nan, grid[0]
        self.asked: float | None = None
        self.last: Tensor | None = None
        self.rounds, self.round = rounds, 0

    def __call__(self, u: Tensor, y: Tensor) -> Tensor:
        """dy/du."""
        clock = self.snapped(float(u) if self.asked is None else self.asked)
        self.round = self.round + 1 if clock == self.clock else 1
        if self.round > self.rounds:
            raise _NotConverged
        self.clock, point = clock, self.points.get(clock)
        self.point = point if point is not None else self.variable.point(self.sde, clock)
        now = self.model(self.scaled(y, self.variable.scale(self.point)), self.point)
        self.last = now.flow if self.variable.name == "t" else now.mix(*self.variable.slope(self.point))
        return self.last

    def snapped(self, clock: float) -> float:
        """``clock``, or the clock of the grid that it is but for rounding, or the end that it lies beyond."""
        place = bisect(self.clocks, clock)
        near = min(self.clocks[max(place - 1, 0) : place + 1], key=lambda known: abs(known - clock))
        beyond = not self.clocks[0] <= clock <= self.clocks[-1]
        return near if beyond or abs(near - clock) <= 2 * self.resolution * abs(near) else clock

    @property
    def steps(self) -> int:
        """Intervals of the grid."""
        return len(self.points) - 1

    @property
    def step(self) -> int:
        """Number of the interval in which the last call was, from 1."""
        passed = sum((clock - self.clock) * self.way < 0 for clock in self.points)
        return max(passed, 1)

    @staticmethod
    def scaled(y: Tensor, scale: Scalar) -> Tensor:
        """``scale`` y."""
        return y if scale == 1.0 else combine((scale, y))


def _resolution(x: Tensor) -> float:
    import torch

    return torch.finfo(x.dtype).eps


class _NotConverged(Exception):
    """A fixed-point iteration that took too many rounds."""


class TorchDiffEq(Solver):
    """A method of torchdiffeq on dy/du = r x0 + s eps, with the scaled state y and the clock u of ``variable``."""

    card: ClassVar[SolverCard]
    method: ClassVar[str]
    rounds: ClassVar[float] = math.inf
    """Calls in a row at one time before an iteration counts as divergent."""
    variable: str = option(
        "t", help="integration variable: t, sigma (x/alpha over sigma/alpha) or lam", choices=tuple(VARIABLES)
    )

    def facts(self) -> SolverCard:
        """Variable and needs as the option makes them; in t the velocity is all that is asked for."""
        needs = () if self.variable == "t" else VARIABLES[self.variable].needs
        equivalents = tuple(f"{name}(variable={self.variable})" for name in self.card.equivalents)
        return replace(self.card, variable=self.variable, needs=needs, equivalents=equivalents)

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Integrate through the grid; a method that keeps its history to itself cannot start in the middle."""
        if state is not None and state.index > 0:
            raise IncompatibleError(
                f"{self} cannot resume: what it needs of earlier steps stays inside torchdiffeq. Run it again."
            )
        yield from self._run(model, x, grid)

    def _run(self, model: ScoreModel, x: Tensor, grid: Grid) -> Iterator[State]:
        flow = Flow(model, grid, self.variable, _resolution(x), self.rounds)
        states = self._integrate(flow, x, list(grid))
        finite = states.flatten(1).isfinite().all(1).tolist()
        if not all(finite):
            raise ModelError(
                f"{self}: values are not finite from step {finite.index(False)} of {grid.steps} on. Check the model there."
            )
        for index in range(1, len(grid)):
            yield State(index, grid[index], Flow.scaled(states[index], flow.variable.scale(grid[index])))

    def _integrate(self, flow: Flow, x: Tensor, points: list[GaussianPoint]) -> Tensor:
        """The scaled states at all ``points``, (points, B, ...), from ``x`` at the first."""
        import torch
        from torchdiffeq import odeint

        clock, scale = flow.variable.clock, flow.variable.scale
        times = torch.tensor([clock(point) for point in points], dtype=torch.float64, device=x.device)
        try:
            solution: Tensor = odeint(
                flow, Flow.scaled(x, 1 / scale(points[0])), times, method=self.method, **self._settings(flow, times)
            )
        except (AssertionError, _NotConverged) as error:
            raise self._explained(flow, error) from error
        return solution

    @abstractmethod
    def _settings(self, flow: Flow, times: Tensor) -> dict[str, Any]:
        """Keywords of odeint."""

    def _explained(self, flow: Flow, error: Exception) -> ZooError:
        """What an error inside torchdiffeq means for a user."""
        where = f"in step {flow.step} of {flow.steps} (t = {flow.point.t:g})"
        if flow.last is not None and not flow.last.isfinite().all():
            return ModelError(f"{self}: the model's velocity is not finite {where}, and the integration stopped there.")
        if isinstance(error, _NotConverged):
            return IncompatibleError(
                f"{self}: its fixed-point iteration does not converge {where}, not after {self.rounds:g} rounds: the step is too "
                "long there. Take more steps, or an explicit or adaptive method."
            )
        return ZooError(
            f"{self} gave up {where}: {error}. The tolerance cannot be reached there: raise rtol and atol, use float64, or end "
            "the grid at a larger t_min."
        )


class FixedGrid(TorchDiffEq):
    """One step of a Runge-Kutta method an interval; nothing is carried from one to the next, so it resumes anywhere."""

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Integrate interval by interval."""
        flow = Flow(model, grid, self.variable, _resolution(x))
        if state is None:
            state = State(0, grid[0], x)
        for index in range(state.index, grid.steps):
            t, s = grid[index], grid[index + 1]
            y = self._integrate(flow, state.x, [t, s])[1]
            state = State(index + 1, s, Flow.scaled(y, flow.variable.scale(s)))
            yield state

    def _settings(self, flow: Flow, times: Tensor) -> dict[str, Any]:
        return {}


class Adams(TorchDiffEq):
    """A multistep method with the coefficients of equal steps: on grids that are smooth, but not uniform in u, of order 2.

    It is not offered in lam, where its order would depend on the grid: on one uniform in lam it is of full order.
    """

    variable: str = option(
        "t", help="integration variable: t or sigma (x/alpha over sigma/alpha)", choices=("t", "sigma")
    )

    def facts(self) -> SolverCard:
        """Grids must be smooth."""
        facts = super().facts()
        return replace(facts, needs=(*facts.needs, "smooth"))


class ExplicitAdams(Adams):
    """Adams-Bashforth, over two steps of Runge-Kutta 4."""

    max_order: int = option(4, help="torchdiffeq's max_order: uses this many past slopes less one", low=4, high=6)

    def facts(self) -> SolverCard:
        """The history kept."""
        return replace(super().facts(), memory=self.max_order - 2)

    def nfe(self, steps: int) -> int:
        """Four calls in each of the first two steps, then one."""
        return steps + 3 * min(steps, 2)

    def _settings(self, flow: Flow, times: Tensor) -> dict[str, Any]:
        return {"options": {"max_order": self.max_order}}


class ImplicitAdams(Adams):
    """Adams-Moulton, solved by fixed-point iteration to ``rtol`` over the whole batch."""

    rounds: ClassVar[float] = 100  # converging iterations take two to ten
    max_order: int = option(4, help="torchdiffeq's max_order: uses this many past slopes less one", low=4, high=12)
    rtol: float = option(1e-10, help="relative tolerance of the iteration; 100 roundings where that is more", above=0.0)

    def facts(self) -> SolverCard:
        """The history kept."""
        return replace(super().facts(), memory=self.max_order - 2)

    def _settings(self, flow: Flow, times: Tensor) -> dict[str, Any]:
        rtol = max(self.rtol, 100 * flow.resolution)
        return {"rtol": rtol, "atol": rtol, "options": {"max_order": self.max_order, "max_iters": 2 * self.rounds}}


class Adaptive(TorchDiffEq):
    """Steps chosen by torchdiffeq from one error norm over the whole batch; it stops at every time of the grid.

    Without these stops torchdiffeq steps past the last time and interpolates back, and so calls the model outside its
    domain. A grid of one step leaves it free in between.
    """

    rtol: float = option(1e-5, help="relative tolerance", above=0.0)
    atol: float = option(1e-5, help="absolute tolerance", above=0.0)

    def _settings(self, flow: Flow, times: Tensor) -> dict[str, Any]:
        options = {"step_t": times, "max_num_steps": _MOST_STEPS}
        return {"rtol": self.rtol, "atol": self.atol, "options": options}


class AdaptiveLowOrder(Adaptive):
    """As `Adaptive`, with tolerances that a method of order 2 reaches at a bearable cost."""

    rtol: float = option(1e-4, help="relative tolerance", above=0.0)
    atol: float = option(1e-4, help="absolute tolerance", above=0.0)


class SciPy(TorchDiffEq):
    """scipy.integrate.solve_ivp through torchdiffeq: on the CPU, in float64, without gradients."""

    solver: str = option("DOP853", help="method of solve_ivp", choices=("DOP853", "RK45", "RK23", "LSODA"))
    rtol: float = option(1e-5, help="relative tolerance", above=0.0)
    atol: float = option(1e-5, help="absolute tolerance", above=0.0)

    def _integrate(self, flow: Flow, x: Tensor, points: list[GaussianPoint]) -> Tensor:
        solution = super()._integrate(flow, x, points)
        if len(solution) < len(points):
            raise self._explained(flow, ZooError("the required step is below the spacing of numbers"))
        return solution

    def _settings(self, flow: Flow, times: Tensor) -> dict[str, Any]:
        return {"rtol": self.rtol, "atol": self.atol, "options": {"solver": _method(self.solver, flow)}}


def _method(name: str, flow: Flow) -> Any:
    """The method of scipy, mended twice for torchdiffeq's use of it.

    torchdiffeq rounds the times it hands on to float32, whatever the state's dtype; here the exact ones reach ``flow``. And it
    passes ``min_step`` to all methods, where only LSODA has one and the others warn.
    """
    import scipy.integrate

    sign = 1.0 if flow.way > 0 else -1.0  # torchdiffeq integrates forwards only, and turns the time round for it

    class Method(getattr(scipy.integrate, name)):  # type: ignore[misc]
        def __init__(self, fun: Any, *args: Any, min_step: float = 0.0, **settings: Any) -> None:
            def exactly(t: float, y: Any) -> Any:
                flow.asked = sign * float(t)
                return fun(t, y)

            super().__init__(exactly, *args, **settings)

    return Method
