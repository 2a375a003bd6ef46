"""Langevin dynamics, plain and annealed."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_langevin.annealed_langevin import AnnealedLangevin
from zoo_langevin.inpainting_langevin import InpaintingLangevin
from zoo_langevin.langevin import Langevin


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [Langevin, AnnealedLangevin, InpaintingLangevin]
