"""Integrators of the reverse SDE."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_sde.euler_arrival import EulerArrival
from zoo_sde.euler_maruyama import EulerMaruyama
from zoo_sde.exponential_sde import ExponentialSDE
from zoo_sde.reverse_diffusion import ReverseDiffusion


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [EulerMaruyama, ReverseDiffusion, ExponentialSDE, EulerArrival]
