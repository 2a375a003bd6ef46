"""Adaptive step size, per sample, for any one-step solver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_adaptive.adaptive import Adaptive
from zoo_adaptive.embedded import AdaptiveBosh3, AdaptiveDopri5, AdaptiveDopri8, AdaptiveTsit5


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this family."""
    return [Adaptive, AdaptiveBosh3, AdaptiveDopri5, AdaptiveTsit5, AdaptiveDopri8]
