"""Stochastic Runge-Kutta, stabilised, adaptive and underdamped methods."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_srk.gotta_go_fast import GottaGoFast
from zoo_srk.langevin_integrators import ALIGN, BAOAB, QUICSORT, ShOULD
from zoo_srk.methods import METHODS
from zoo_srk.sk_rock import SKROCK


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [*METHODS, SKROCK, GottaGoFast, BAOAB, ALIGN, ShOULD, QUICSORT]
