"""Langevin dynamics, plain and annealed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_langevin.annealed_langevin import AnnealedLangevin
from zoo_langevin.inpainting_langevin import InpaintingLangevin
from zoo_langevin.langevin import Langevin


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this family."""
    return [Langevin, AnnealedLangevin, InpaintingLangevin]
