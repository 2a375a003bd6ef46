"""Adaptive step size, per sample, for any one-step solver."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_adaptive.adaptive import Adaptive
from zoo_adaptive.embedded import AdaptiveBosh3, AdaptiveDopri5, AdaptiveDopri8, AdaptiveTsit5


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [Adaptive, AdaptiveBosh3, AdaptiveDopri5, AdaptiveTsit5, AdaptiveDopri8]
