"""What a solver is: the interface, and bases for single steps, multistep, stages and adaptive steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.public import lazily

if TYPE_CHECKING:
    from solvers_zoo.solving.adaptive_steps import AdaptiveSteps as AdaptiveSteps
    from solvers_zoo.solving.adaptive_steps import Attempt as Attempt
    from solvers_zoo.solving.around import Around as Around
    from solvers_zoo.solving.columns import each_interval as each_interval
    from solvers_zoo.solving.exponential import ExponentialRungeKutta as ExponentialRungeKutta
    from solvers_zoo.solving.multistep import Held as Held
    from solvers_zoo.solving.multistep import Multistep as Multistep
    from solvers_zoo.solving.multistep import Rule as Rule
    from solvers_zoo.solving.stages import Row as Row
    from solvers_zoo.solving.stages import Stage as Stage
    from solvers_zoo.solving.stages import StagePlan as StagePlan
    from solvers_zoo.solving.stages import StageSolver as StageSolver
    from solvers_zoo.solving.stepping import Interval as Interval
    from solvers_zoo.solving.stepping import Past as Past
    from solvers_zoo.solving.stepping import Solver as Solver
    from solvers_zoo.solving.stepping import State as State
    from solvers_zoo.solving.stepping import Step as Step
    from solvers_zoo.solving.stepping import StepSolver as StepSolver
    from solvers_zoo.solving.stepping import made_of_steps as made_of_steps
    from solvers_zoo.solving.stepping import remember as remember

__all__ = [
    "AdaptiveSteps",
    "Around",
    "Attempt",
    "ExponentialRungeKutta",
    "Held",
    "Interval",
    "Multistep",
    "Past",
    "Row",
    "Rule",
    "Solver",
    "Stage",
    "StagePlan",
    "StageSolver",
    "State",
    "Step",
    "StepSolver",
    "each_interval",
    "made_of_steps",
    "remember",
]

_HOMES = {
    "adaptive_steps": "AdaptiveSteps Attempt",
    "around": "Around",
    "columns": "each_interval",
    "exponential": "ExponentialRungeKutta",
    "multistep": "Held Multistep Rule",
    "stages": "Row Stage StagePlan StageSolver",
    "stepping": "Interval Past Solver State Step StepSolver made_of_steps remember",
}
__getattr__ = lazily(__name__, {name: module for module, names in _HOMES.items() for name in names.split()})
