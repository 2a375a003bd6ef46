"""The core's own plugin: its processes, grids and ready-made models, registered like anybody's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo.hookspecs import hookimpl


@hookimpl
def zoo_sdes() -> Iterable[Any]:
    """Forward processes."""
    from solvers_zoo.processes.edm import EDM
    from solvers_zoo.processes.ou import OU

    return [EDM, OU]


@hookimpl
def zoo_grids() -> Iterable[Any]:
    """Time grids."""
    from solvers_zoo.time_grids.karras import Karras
    from solvers_zoo.time_grids.uniform import Uniform

    return [Karras, Uniform]
