"""Functions of a scalar on the schedule, which is a Python float or, in per-sample stepping, a tensor.

On floats they follow IEEE arithmetic where ``math`` raises: log 0 = -inf, exp overflows to inf. On tensors they call
the tensor's own method, so nothing here imports torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeVar

    from torch import Tensor
    from typing_extensions import TypeIs

    #: A number of the schedule: a float, or in per-sample stepping a tensor of one number a sample.
    Scalar = float | Tensor
    #: The same kind of number in and out.
    S = TypeVar("S", float, Tensor, Scalar)

__all__ = [
    "absolute",
    "asinh",
    "atan",
    "cos",
    "divide",
    "exp",
    "expm1",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "sin",
    "softplus",
    "sqrt",
    "where",
]


def _number(x: object) -> TypeIs[float]:
    return type(x) is float or isinstance(x, (float, int))  # the exact type first: this is the hot path of a grid


def absolute(x: S) -> S:
    """|x|, for type checkers: ``abs`` of a float or a tensor is to them any object."""
    return abs(x) if _number(x) else x.abs()


def exp(x: S) -> S:
    """e^x."""
    if type(x) is float or _number(x):
        return math.exp(x) if x < 709.78 else math.inf if x == x else x
    return x.exp()


def expm1(x: S) -> S:
    """e^x - 1, accurate near 0."""
    if type(x) is float or _number(x):
        return math.expm1(x) if x < 709.78 else math.inf if x == x else x
    return x.expm1()


def log(x: S) -> S:
    """Natural logarithm; log 0 = -inf, nan below."""
    if type(x) is float or _number(x):
        return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan
    return x.log()


def log1p(x: S) -> S:
    """log(1 + x), accurate near 0; log1p(-1) = -inf, nan below."""
    if type(x) is float or _number(x):
        return math.log1p(x) if x > -1 else -math.inf if x == -1 else math.nan
    return x.log1p()


def sqrt(x: S) -> S:
    """Square root; nan below 0."""
    if type(x) is float or _number(x):
        return math.sqrt(x) if x >= 0 else math.nan
    return x.sqrt()


def sin(x: S) -> S:
    """Sine."""
    if _number(x):
        return math.sin(x) if math.isfinite(x) else math.nan
    return x.sin()


def cos(x: S) -> S:
    """Cosine."""
    if _number(x):
        return math.cos(x) if math.isfinite(x) else math.nan
    return x.cos()


def atan(x: S) -> S:
    """Inverse tangent."""
    return math.atan(x) if _number(x) else x.atan()


def asinh(x: S) -> S:
    """Inverse hyperbolic sine."""
    return math.asinh(x) if _number(x) else x.asinh()


def divide(a: Scalar, b: Scalar) -> Any:
    """a / b, where a number over zero is infinite and 0/0 is nan."""
    if _number(b) and b == 0 and _number(a):
        return math.copysign(math.inf, a) * math.copysign(1.0, b) if a else math.nan
    return a / b


def softplus(x: S) -> S:
    """log(1 + e^x) without overflow."""
    if not _number(x):
        return x.clamp(min=0) + (-x.abs()).exp().log1p()
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def minimum(a: Scalar, b: Scalar) -> Any:
    """The smaller of two scalars, elementwise on tensors."""
    if _number(a):
        return min(a, b) if _number(b) else b.clamp(max=a)
    return a.clamp(max=b) if _number(b) else a.minimum(b)


def maximum(a: Scalar, b: Scalar) -> Any:
    """The larger of two scalars, elementwise on tensors."""
    if _number(a):
        return max(a, b) if _number(b) else b.clamp(min=a)
    return a.clamp(min=b) if _number(b) else a.maximum(b)


def where(condition: bool | Tensor, a: Scalar, b: Scalar) -> Any:
    """``a`` where the condition holds, else ``b``."""
    if isinstance(condition, bool):
        return a if condition else b
    import torch

    return torch.where(condition, a, b)
