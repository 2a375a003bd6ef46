"""Time grids of image models and of the search for few steps: shifted, distributed, tabulated, and fitted to a model."""

from __future__ import annotations

from solvers_zoo import GridRule, hookimpl
from zoo_grids.align_your_steps import AlignYourSteps
from zoo_grids.beta import Beta
from zoo_grids.flow_shift import FlowShift
from zoo_grids.gits import GITS
from zoo_grids.laplace import Laplace
from zoo_grids.linear_quadratic import LinearQuadratic

__all__ = ["GITS", "AlignYourSteps", "Beta", "FlowShift", "Laplace", "LinearQuadratic"]


@hookimpl
def zoo_grids() -> list[type[GridRule]]:
    """The grid rules of this family."""
    return [FlowShift, Beta, Laplace, LinearQuadratic, AlignYourSteps, GITS]
