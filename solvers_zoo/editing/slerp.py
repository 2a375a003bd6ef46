r"""Spherical interpolation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar

#: Angles below which the sphere is flat to rounding, and above which the way round it is not known.
_FLAT = 1e-6


def slerp(a: Tensor, b: Tensor, weight: Scalar) -> Tensor:
    r"""Along the great circle from ``a`` to ``b``, each sample on its own (Shoemake 1985; Song et al. 2021, 2010.02502, D.5).

        sin((1 - w) theta) / sin(theta) a + sin(w theta) / sin(theta) b,    theta the angle between a and b

    Of codes of one norm every point has that norm, and its angle to a is w theta: mixing codes of noise on a line would lose variance.

    Args:
        a: at weight 0, (n, *shape).
        b: at weight 1, of the same shape.
        weight: a number, or a tensor (n,) with one a sample; outside [0, 1] it goes on along the circle.

    Raises:
        OptionError: shapes that differ, a sample that is 0, or two that are opposite, between which no way is shortest.

    """
    if a.shape != b.shape or a.dim() < 1:
        raise OptionError(f"slerp takes two batches of one shape; these are {tuple(a.shape)} and {tuple(b.shape)}.")
    u, v = a.flatten(1).double() if a.dim() > 1 else a[:, None].double(), b.reshape(len(b), -1).double()
    lengths = u.norm(dim=1, keepdim=True), v.norm(dim=1, keepdim=True)
    if bool((lengths[0] == 0).any() or (lengths[1] == 0).any()):
        raise OptionError("slerp goes along a sphere round 0; a sample is 0 in every coordinate.")
    u, v = u / lengths[0], v / lengths[1]
    theta = 2 * torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1))  # right to rounding at every angle
    if bool((theta > math.pi - _FLAT).any()):
        raise OptionError("Two of the samples are opposite, so no way between them is shortest.")
    w = torch.as_tensor(weight, dtype=torch.float64, device=a.device).expand(len(a))
    flat = theta < _FLAT
    sine = theta.sin().where(~flat, 1.0)
    first = (((1 - w) * theta).sin() / sine).where(~flat, 1 - w)
    second = ((w * theta).sin() / sine).where(~flat, w)
    sides = [-1, *[1] * (a.dim() - 1)]
    return first.view(sides).to(a.dtype) * a + second.view(sides).to(a.dtype) * b
