"""Derivative of a schedule function, by automatic differentiation in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.numerics.scalar import S


def derivative(function: Callable[[Tensor], Tensor], t: S) -> S:
    """d function / dt at ``t``, a float or a tensor; works under ``no_grad`` and returns what it was given."""
    import torch

    with torch.enable_grad():
        time = torch.as_tensor(t, dtype=torch.float64).detach().requires_grad_()
        (slope,) = torch.autograd.grad(function(time).sum(), time)
    return slope if isinstance(t, torch.Tensor) else slope.item()
