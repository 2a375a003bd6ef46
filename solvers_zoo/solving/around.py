"""A base for wrappers around a solver made of steps: they take each of its steps, and change the result where the model knows more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import OptionError
from solvers_zoo.registry.card import SolverCard
from solvers_zoo.registry.defaults import WRAPPED
from solvers_zoo.registry.options import option
from solvers_zoo.solving.stepping import Solver, StepSolver, made_of_steps

if TYPE_CHECKING:
    from solvers_zoo.solving.stepping import State
    from solvers_zoo.time_grids.base import Grid


class Around(StepSolver):
    """Take the steps of ``solver``; a subclass's `step` says how each is changed.

    Where the model gives a subclass nothing to change the steps by, the wrapper gives the numbers of ``solver`` itself.
    """

    solver: Solver = option(WRAPPED, kind="solver", help="the solver that steps: ddim, ddpm, heun, dpmpp-2m, ...")

    def check(self) -> None:
        """The solver must be made of steps."""
        if not isinstance(self.solver, StepSolver) or self.solver.facts().stationary:
            raise OptionError(
                f"{self.spec_name()}: solver = {self.solver} is not possible; it takes no steps from one level to the next."
            )

    def facts(self) -> SolverCard:
        """The card of the solver inside, whose results the wrapper gives on any model that knows nothing."""
        return self.card.around(self.solver.facts(), (str(self.solver),))

    def nfe(self, steps: int) -> int | None:
        """Model calls of the solver inside: the wrapper adds none."""
        return self.solver.nfe(steps)

    def report(self, state: State) -> dict[str, object]:
        """What the solver inside reports of its run."""
        return self.solver.report(state)

    def plan(self, grid: Grid) -> Sequence[Any]:
        """The plan of the solver inside."""
        return self.stepper.plan(grid)

    @property
    def stepper(self) -> StepSolver:
        """The solver inside, as one made of steps."""
        return made_of_steps(self.solver)
