"""Bridge to torchsde: its SDE solvers on the reverse SDE."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_torchsde.adaptive import TorchSDEAdaptive
from zoo_torchsde.methods import METHODS, compare


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The methods of torchsde that make sense for additive noise, and its adaptive stepping."""
    return [*METHODS, TorchSDEAdaptive]


def doctor() -> list[str]:
    """For ``zoo doctor``: how the installed torchsde differs from the cards."""
    return compare()
