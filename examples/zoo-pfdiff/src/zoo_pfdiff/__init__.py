"""The gradient-estimation sampler, a plugin of the solvers_zoo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_gradient_estimation.gradient_estimation import GradientEstimation

__all__ = ["GradientEstimation"]


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this plugin."""
    return [GradientEstimation]
