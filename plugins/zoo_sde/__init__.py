"""Integrators of the reverse SDE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_sde.euler_arrival import EulerArrival
from zoo_sde.euler_maruyama import EulerMaruyama
from zoo_sde.exponential_sde import ExponentialSDE
from zoo_sde.reverse_diffusion import ReverseDiffusion


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this family."""
    return [EulerMaruyama, ReverseDiffusion, ExponentialSDE, EulerArrival]
