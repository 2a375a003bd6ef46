"""The sampler PFDiff, a plugin of the solvers_zoo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_pfdiff.pfdiff import PFDiff

__all__ = ["PFDiff"]


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this plugin."""
    return [PFDiff]
