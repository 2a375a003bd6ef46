"""Adaptive step size, per sample, for any one-step solver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_adaptive.adaptive import Adaptive


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this family."""
    return [Adaptive]
