"""Solvers made of solvers."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_wrappers.afs import AFS
from zoo_wrappers.ddrm import DDRM
from zoo_wrappers.ideal import Ideal
from zoo_wrappers.picard import Picard
from zoo_wrappers.projection import Projection
from zoo_wrappers.repaint import RePaint
from zoo_wrappers.restart import Restart
from zoo_wrappers.start_up import StartUp


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [Restart, AFS, StartUp, Picard, RePaint, Projection, DDRM, Ideal]
