"""How a multistep method gets its history: the choice of start-up, for any of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import (
    Grid,
    Interval,
    Multistep,
    Once,
    OptionError,
    Past,
    Solver,
    SolverCard,
    Source,
    Step,
    StepSolver,
    combine,
    made_of_steps,
    option,
    remember,
)

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import SDE, Draws, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


class StartUp(StepSolver):
    r"""A multistep ``solver`` of order p, given a history that is worth it.

    By itself it begins with a step of order 1, whose error h^2 stays: the method is of order 2 however long its memory. Only
    the first p - 2 steps are at fault, as each later one has local error h^p. ``start`` says what is done instead:

        ramp                  nothing: the order grows with the history
        runge-kutta           those steps are taken by ``starter``; its first evaluation is the one remembered
        predictor-corrector   those steps are corrected at once by the method's own integral through their end as well,
                              x_s = x_t - (the method's step back from s to t), evaluated at the predicted x_s; order 3 at most
        short-steps           the first interval is cut geometrically, h/2^k, ..., h/4, h/2, so that the step of order 1 has
                              length h^(p/2), k = ceil((p/2 - 1) log2 N)

    The cost is the starter's, one evaluation more for every corrected step, and k more.
    """

    card = SolverCard(
        name="start-up",
        title="Start-up of a multistep method",
        aliases=("warm-start",),
        family="wrapper",
        source=Source(
            authors="Hairer, Norsett & Wanner 1993",
            title="Solving Ordinary Differential Equations I",
            link="https://doi.org/10.1007/978-3-540-78862-1",
            where="Section III.1, starting procedures of multistep methods",
        ),
    )
    solver: Solver = option("dpmpp-3m", kind="solver", help="any deterministic multistep method")
    start: str = option(
        "runge-kutta",
        help="how it begins: ramp, runge-kutta, predictor-corrector or short-steps",
        choices=("ramp", "runge-kutta", "predictor-corrector", "short-steps"),
    )
    starter: Solver = option("rk4", kind="solver", help="the one-step solver of the Runge-Kutta start")

    def check(self) -> None:
        """The solver must keep past predictions; the starter must step from the last state alone."""
        facts, starter = self.solver.facts(), self.starter.facts()
        reasons = {
            f"solver = {self.solver}": {
                "it does not keep a history of predictions": not isinstance(self.solver, Multistep),
                "it is stochastic": facts.stochastic,
                f"its coefficients are those of equal steps, which does not go with start = {self.start}": self.start
                in ("predictor-corrector", "short-steps")
                and facts.rough_order is not None,
            },
            f"starter = {self.starter}": {
                "it is not made of single steps": not isinstance(self.starter, StepSolver) or starter.memory > 0,
                "it does not follow the probability flow": starter.order is None,
            },
        }
        for what, why in reasons.items():
            for reason, holds in why.items():
                if holds:
                    raise OptionError(f"start-up: {what} is not possible; {reason}.")

    @property
    def base(self) -> Multistep:
        """The solver whose start this is; `check` has refused any that is not a multistep method."""
        assert isinstance(self.solver, Multistep)
        return self.solver

    def facts(self) -> SolverCard:
        """The solver's card, with the order that this start leaves it."""
        inner = self.base.facts()
        card = self.card.around(inner)
        if self.start == "ramp" or inner.order is None:
            return replace(card, equivalents=(str(self.solver),))
        full = inner.exact_start_order or inner.order
        if self.start == "predictor-corrector":
            return replace(card, order=max(inner.order, min(full, 3)))
        if self.start == "short-steps":
            return replace(card, order=full).also_needing("finite-lam")
        starter = self.starter.facts()
        order = min(full, (starter.order or 0) + 1)  # the few steps it takes have local errors of that order
        return replace(card, order=max(inner.order, order)).also_needing(*starter.needs)

    def begun(self, steps: int) -> int:
        """How many steps a starter or corrector takes: the solver's own next one has a history long enough."""
        return min(steps, max(0, self.base.deep - 1))

    def cuts(self, steps: int) -> int:
        """Steps that short-steps adds to the first interval."""
        facts = self.base.facts()
        return math.ceil(max(0.0, (facts.exact_start_order or 0) / 2 - 1) * math.log2(steps + 1))

    def nfe(self, steps: int) -> int | None:
        """The solver's calls, and those of the start."""
        if self.start == "short-steps":
            return self.base.nfe(steps + self.cuts(steps))
        main, begun = self.base.nfe(steps), self.begun(steps)
        if main is None or self.start == "ramp":
            return main
        if self.start == "predictor-corrector":
            return main + begun
        starting = self.starter.nfe(begun)
        return None if starting is None else main - begun + starting

    def supports(self, sde: SDE, grid: Grid | None = None) -> str | None:
        """The solver must run on the grid, with its first interval cut if it is."""
        reason = super().supports(sde, grid)
        if reason or grid is None:
            return reason
        return self.solver.supports(sde, cut(grid, self.cuts(grid.steps)) if self.start == "short-steps" else grid)

    def plan(self, grid: Grid) -> Sequence[Any]:
        """For every interval, how it is taken: by the solver, by the starter, corrected or cut."""
        return _STARTS[self.start](self, grid)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """Take the interval as its plan says."""
        step: Step = interval.plan.take(self.base, model, x, interval, memory, noise)
        return step


class Own(NamedTuple):
    """The solver's own step."""

    plan: Any

    def take(
        self, base: Multistep, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws
    ) -> Step:
        """The step."""
        return base.step(model, x, interval._replace(plan=self.plan), memory, noise)


class Started(NamedTuple):
    """A step of another solver, whose first prediction goes to the history."""

    starter: StepSolver
    plan: Any

    def take(
        self, base: Multistep, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws
    ) -> Step:
        """The step."""
        t, once = interval.t, Once(model, x, interval.t)
        x_s = self.starter.step(once, x, interval._replace(plan=self.plan), None, noise).x
        return Step(x_s, remember(Past(t.t, t.lam, base.told(once(x, t))), memory, base.deep))


class Corrected(NamedTuple):
    """The solver's own step and its correction: carry x_s = x_t - R x0 - S eps - sum_j w_j D_j, x0 and eps at the predicted end."""

    plan: Any
    carry: Scalar
    R: Scalar
    S: Scalar
    weights: Sequence[Any]

    def take(
        self, base: Multistep, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws
    ) -> Step:
        """The step."""
        predicted = base.step(model, x, interval._replace(plan=self.plan), memory, noise)
        end = model(predicted.x, interval.s)
        back = ((-w / self.carry, past.D) for w, past in zip(self.weights, predicted.memory, strict=False))
        x_s = combine((1 / self.carry, x), *end.terms(-self.R / self.carry, -self.S / self.carry), *back)
        return Step(x_s, predicted.memory)


class Cut(NamedTuple):
    """The solver's own steps over the parts of the interval."""

    parts: Sequence[Interval]

    def take(
        self, base: Multistep, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws
    ) -> Step:
        """The steps."""
        for part in self.parts:
            x, memory, _ = base.step(model, x, part, memory, noise)
        return Step(x, memory)


def cut(grid: Grid, times: int) -> Grid:
    """The grid with its first interval cut at 1/2, 1/4, ..., 2^-times of its length in lam."""
    t, s = grid[0], grid[1]
    sde = grid.sde.as_gaussian()
    between = [sde.at_lam(t.lam + (s.lam - t.lam) / 2**k) for k in range(times, 0, -1)]
    return Grid(sde, [t, *between, *grid.points[1:]], smooth=grid.smooth and not times)


def _ramp(self: StartUp, grid: Grid) -> Sequence[Any]:
    return [Own(plan) for plan in self.base.plan(grid)]


def _runge_kutta(self: StartUp, grid: Grid) -> Sequence[Any]:
    begun = self.begun(grid.steps)
    if not begun:
        return _ramp(self, grid)
    starter = made_of_steps(self.starter)
    starting = starter.plan(Grid(grid.sde, grid.points[: begun + 1]))
    own = self.base.plan(grid, begun)[begun:]
    return [*(Started(starter, plan) for plan in starting), *(Own(plan) for plan in own)]


def _predictor_corrector(self: StartUp, grid: Grid) -> Sequence[Any]:
    base, begun = self.base, self.begun(grid.steps)
    plans = base.plan(grid, begun)
    steps: list[Any] = [Own(plan) for plan in plans]
    for i in range(begun):
        t, s = grid[i], grid[i + 1]
        nodes = [s, *(node for node in grid.points[i::-1] if base.reaches(node))]
        R, S, carry, _ = base.held(s, t)
        w = base.weights(nodes, t, grid.sde.as_gaussian()) if len(nodes) > 1 else ()
        p, q = base.axes(s)
        total = sum(w)
        # R x0 + S eps = carry x_s + b D: the x_s of that is the unknown one
        steps[i] = Corrected(plans[i], carry, R - carry * s.alpha - total * p, S - carry * s.sigma - total * q, w)
    return steps


def _short_steps(self: StartUp, grid: Grid) -> Sequence[Any]:
    cuts = self.cuts(grid.steps)
    fine = cut(grid, cuts)
    plans = self.base.plan(fine)
    parts = [Interval(fine[i], fine[i + 1], plans[i], i) for i in range(cuts + 1)]
    return [Cut(parts), *(Own(plan) for plan in plans[cuts + 1 :])]


_STARTS: dict[str, Callable[[StartUp, Grid], Sequence[Any]]] = {
    "ramp": _ramp,
    "runge-kutta": _runge_kutta,
    "predictor-corrector": _predictor_corrector,
    "short-steps": _short_steps,
}
