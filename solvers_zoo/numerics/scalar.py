"""Functions of a scalar on the schedule, which is a Python float or, in per-sample stepping, a tensor.

On floats they follow IEEE arithmetic where ``math`` raises: log 0 = -inf, exp overflows to inf. On tensors they call
the tensor's own method, so nothing here imports torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    Scalar = float | Tensor
else:
    Scalar = Any

__all__ = [
    "cos", "exp", "expm1", "log", "log1p", "maximum", "minimum", "sin", "softplus", "sqrt", "where",
]  # fmt: skip


def _number(x: Any) -> bool:
    return isinstance(x, float | int)


def exp(x: Any) -> Any:
    """e^x."""
    if not _number(x):
        return x.exp()
    return math.exp(x) if x < 709.78 else math.inf


def expm1(x: Any) -> Any:
    """e^x - 1, accurate near 0."""
    if not _number(x):
        return x.expm1()
    return math.expm1(x) if x < 709.78 else math.inf


def log(x: Any) -> Any:
    """Natural logarithm; log 0 = -inf."""
    if not _number(x):
        return x.log()
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def log1p(x: Any) -> Any:
    """log(1 + x), accurate near 0; log1p(-1) = -inf."""
    if not _number(x):
        return x.log1p()
    return math.log1p(x) if x > -1 else -math.inf if x == -1 else math.nan


def sqrt(x: Any) -> Any:
    """Square root."""
    if not _number(x):
        return x.sqrt()
    return math.sqrt(x) if x >= 0 else math.nan


def sin(x: Any) -> Any:
    """Sine."""
    return math.sin(x) if _number(x) else x.sin()


def cos(x: Any) -> Any:
    """Cosine."""
    return math.cos(x) if _number(x) else x.cos()


def softplus(x: Any) -> Any:
    """log(1 + e^x) without overflow."""
    if not _number(x):
        return x.clamp(min=0) + (-x.abs()).exp().log1p()
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two scalars, elementwise on tensors."""
    if _number(a):
        return min(a, b) if _number(b) else b.clamp(max=a)
    return a.clamp(max=b) if _number(b) else a.minimum(b)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two scalars, elementwise on tensors."""
    if _number(a):
        return max(a, b) if _number(b) else b.clamp(min=a)
    return a.clamp(min=b) if _number(b) else a.maximum(b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """``a`` where the condition holds, else ``b``."""
    if isinstance(condition, bool):
        return a if condition else b
    import torch

    return torch.where(condition, a, b)
