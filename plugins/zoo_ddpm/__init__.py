"""DDPM and DDIM: ancestral sampling and its deterministic relative."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_ddpm.ddim import DDIM
from zoo_ddpm.ddpm import DDPM


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [DDIM, DDPM]
