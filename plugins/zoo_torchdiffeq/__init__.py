"""Bridge to torchdiffeq: its ODE solvers on the probability flow."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_torchdiffeq.methods import METHODS, compare


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The methods of torchdiffeq that make sense for a probability flow."""
    return [*METHODS]


def doctor() -> list[str]:
    """For ``zoo doctor``: how the installed torchdiffeq differs from the cards."""
    return compare()
