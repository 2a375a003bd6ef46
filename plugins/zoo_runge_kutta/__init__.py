"""Runge-Kutta methods on the probability flow."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_runge_kutta import eighth_order, high_order, methods
from zoo_runge_kutta.extrapolation import ExtrapolatedEuler, GraggBulirschStoer
from zoo_runge_kutta.generic_2 import Generic2
from zoo_runge_kutta.heunpp2 import Heunpp2, Heunpp2Published


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    fixed = [*methods.METHODS, *high_order.METHODS, *eighth_order.METHODS]
    return [*fixed, Generic2, ExtrapolatedEuler, GraggBulirschStoer, Heunpp2, Heunpp2Published]
