"""Wrappers that take every step of another solver, and change it where the model knows more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import OptionError
from solvers_zoo.registry.card import SolverCard
from solvers_zoo.registry.options import option
from solvers_zoo.solving.stepping import Solver, StepSolver

if TYPE_CHECKING:
    from solvers_zoo.solving.stepping import State
    from solvers_zoo.time_grids.base import Grid


class Around(StepSolver):
    """Steps of ``solver``; a subclass says how they are changed. Where nothing is known it is ``solver`` itself."""

    solver: Solver = option("ddim", kind="solver", help="the solver that steps: ddim, ddpm, heun, dpmpp-2m, ...")

    def check(self) -> None:
        """The solver must be made of steps."""
        if not isinstance(self.solver, StepSolver) or self.solver.facts().stationary:
            raise OptionError(
                f"{self.spec_name()}: solver = {self.solver} is not possible; it takes no steps from one level to the next."
            )

    def facts(self) -> SolverCard:
        """The solver's, which it is on any model that knows nothing."""
        own = self.card
        return replace(
            self.solver.facts(),
            name=own.name,
            title=own.title,
            aliases=(),
            family=own.family,
            source=own.source,
            equivalents=(str(self.solver),),
        )

    def nfe(self, steps: int) -> int | None:
        """The solver's."""
        return self.solver.nfe(steps)

    def report(self, state: State) -> dict[str, Any]:
        """The solver's."""
        return self.solver.report(state)

    def plan(self, grid: Grid) -> Sequence[Any]:
        """The solver's."""
        return self.stepper.plan(grid)

    @property
    def stepper(self) -> StepSolver:
        """The solver, as one made of steps."""
        assert isinstance(self.solver, StepSolver)  # `check` saw to it
        return self.solver
