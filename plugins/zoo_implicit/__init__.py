"""Implicit Runge-Kutta methods on the probability flow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_implicit import diagonal, full


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this family."""
    return [*diagonal.METHODS, *full.METHODS]
