"""Implicit Runge-Kutta methods on the probability flow."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_implicit import diagonal, full


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [*diagonal.METHODS, *full.METHODS]
