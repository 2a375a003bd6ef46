"""What a check is given, and how it answers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from solvers_zoo import (
    Grid,
    IncompatibleError,
    Noise,
    OptionError,
    ScoreModel,
    SeededNoise,
    Solver,
    SolverCard,
    State,
    StepSolver,
)
from solvers_zoo.registry.options import Option
from solvers_zoo.testing.report import Broken, Finding, NotApplicable, Refused, Status

#: Evaluations a step above which a solver is `costly`.
COSTLY = 12


def costly(solver: Solver) -> bool:
    """Whether other settings than the defaults are left out, and in a quick examination the defaults if cheaper ones are there.

    Many evaluations a step, or equations to be solved in each.
    """
    facts = solver.facts()
    return facts.implicit or (facts.evaluations or 0) > COSTLY


@dataclass(frozen=True, eq=False)
class Subject:
    """A solver under examination.

    Attributes:
        solver: as configured.
        quick: measure with fewer and shorter runs.

    """

    solver: Solver
    quick: bool = False

    @functools.cached_property
    def facts(self) -> SolverCard:
        """The card as configured."""
        return self.solver.facts()

    @property
    def steps_itself(self) -> bool:
        """Whether it is a `StepSolver` that leaves the loop over the grid to the core."""
        return isinstance(self.solver, StepSolver) and type(self.solver).solve is StepSolver.solve

    def states(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise | None = None, state: State | None = None
    ) -> list[State]:
        """All states of a run, without gradients.

        Raises:
            Refused: the solver declines process or grid.

        """
        reason = self.solver.supports(model.sde, grid)
        if reason:
            raise Refused(reason)
        if noise is None:
            noise = SeededNoise(0, range(len(x)), tuple(x.shape[1:]), x.dtype)
        with torch.no_grad():
            return list(self.solver.solve(model, x, grid, noise, state))

    def run(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise | None = None, state: State | None = None
    ) -> Tensor:
        """The end of a run."""
        states = self.states(model, x, grid, noise, state)
        if not states:
            raise Broken("solve() yielded no state.")
        return states[-1].x


@dataclass(frozen=True)
class Check:
    """One check; calling it on a subject gives a `Finding`.

    Attributes:
        name: as in reports.
        body: measures; returns a sentence, or a sentence and the figure in it; raises `Broken`, `Refused` or `NotApplicable`.
        every: whether it is repeated for other values of the options.

    """

    name: str
    body: Callable[[Subject], str | tuple[str, float]]
    every: bool

    def __call__(self, subject: Subject) -> Finding:
        """Examine ``subject``; nothing it does escapes."""
        began = perf_counter()
        status: Status
        value: float | None = None
        try:
            told = self.body(subject)
            message, value = (told, None) if isinstance(told, str) else told
            status = "pass"
        except NotApplicable as why:
            status, message = "not-applicable", str(why)
        except (Refused, IncompatibleError) as why:  # the latter from a solver that finds out while it runs
            status, message = "refused", str(why)
        except Broken as why:
            status, message = "fail", str(why)
        except Exception as error:  # a solver may raise anything; the other checks still run
            status, message = "fail", f"it raised {type(error).__name__}: {error}"
        return Finding(self.name, str(subject.solver), status, message, perf_counter() - began, value)


def check(every: bool = False) -> Callable[[Callable[[Subject], str | tuple[str, float]]], Check]:
    """Make a check of ``check_name(subject) -> sentence``, or ``-> (sentence, figure)``."""

    def make(body: Callable[[Subject], str | tuple[str, float]]) -> Check:
        return Check(body.__name__.removeprefix("check_").replace("_", "-"), body, every)

    return make


def require(holds: object, message: str) -> None:
    """Raise `Broken` with ``message`` unless ``holds``."""
    if not holds:
        raise Broken(message)


def variants(solver: Solver) -> list[Solver]:
    """The solver with its options moved off their values, one at a time and some in pairs.

    One at a time: other choices, both ends, and between. In pairs: every other choice with the first other value of every
    number. Whatever a solver accepts it has to do right, so the kit measures these too.
    """
    options = solver.options()
    others = {name: _others(getattr(solver, name), facts) for name, facts in options.items()}
    changes = [{name: value} for name, values in others.items() for value in values]
    changes += [
        {choice: value, number: values[0]}
        for choice, facts in options.items()
        if facts.choices is not None
        for value in others[choice]
        for number, values in others.items()
        if values and options[number].choices is None and options[number].kind in ("float", "int")
    ]
    found: dict[str, Solver] = {}
    for change in changes:
        try:
            other = solver.replace(**change)
        except OptionError:
            continue
        if str(other) != str(solver):
            found.setdefault(str(other), other)
    return list(found.values())


def _others(value: Any, facts: Option) -> list[Any]:
    if facts.choices is not None:
        return list(facts.choices)
    if facts.kind == "bool":
        return [not value]
    if facts.kind == "int" and value is not None:
        ends = [bound for bound in (facts.low, facts.high) if bound is not None]
        return [value + 1, value - 1, *map(int, ends)] if value <= 8 else [value // 2, *map(int, ends)]
    if facts.kind == "float" and value is not None:
        low, high = facts.low if facts.low is not None else facts.above, facts.high
        if low is not None and high is not None:
            return [(low + high) / 2, high, low]
        return [value / 2 or 1.0, value * 1.5] if low is None or low <= value else []
    return []


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are equal bit for bit, NaN equal to itself."""
    return a.dtype == b.dtype and a.shape == b.shape and bool(torch.equal(a.nan_to_num(nan=7e7), b.nan_to_num(nan=7e7)))


def tensors(memory: object) -> list[Tensor]:
    """All tensors of a memory.

    Raises:
        Broken: it holds something that is neither tensor, number nor a tuple of such.

    """
    if isinstance(memory, Tensor):
        return [memory]
    if memory is None or isinstance(memory, bool | int | float):
        return []
    if isinstance(memory, tuple | list):
        return [tensor for item in memory for tensor in tensors(item)]
    if isinstance(memory, dict):
        return [tensor for item in memory.values() for tensor in tensors(item)]
    if dataclasses.is_dataclass(memory):
        return [tensor for item in dataclasses.fields(memory) for tensor in tensors(getattr(memory, item.name))]
    raise Broken(f"its memory holds a {type(memory).__name__}; only tensors and numbers can be saved.")
