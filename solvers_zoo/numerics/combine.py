"""The one place where a step's arithmetic touches the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from solvers_zoo.numerics.scalar import Scalar

    #: A term c y of a linear combination.
    Term = tuple[Scalar, Tensor]

#: 0 of every dtype met, for `_scaled`.
_zeros: dict[torch.dtype, Tensor] = {}

#: Coefficients that sum to 1 up to this are those of interpolations.
_ROUNDING = 4e-16


def combine(*terms: Term) -> Tensor:
    """The linear combination ``c1*y1 + c2*y2 + ...`` in one allocation and one pass a term.

    Args:
        terms: pairs ``(c, y)``; ``c`` a Python float, or a tensor that broadcasts against ``y`` in per-sample stepping,
            ``y`` of shape (B, ...). Terms with c = 0.0 are left out, so an infinite or undefined y behind a zero weight
            does no harm.

    Returns:
        A new tensor; the arguments are untouched. Scalars stay on the host: nothing here synchronises a device. Dtypes
        below 32 bits are summed in float32 and rounded once. Terms whose coefficients sum to 1 take one pass less.

    """
    dtype = terms[0][1].dtype
    if dtype.itemsize < 4:  # torch's own sum rounds them otherwise at a tensor's ragged end: by place in the batch
        return combine(*[(c, y.float()) for c, y in terms]).to(dtype)
    blend = _blend(terms)
    if blend is not None:
        return blend
    out: Tensor | None = None
    pending: Tensor | None = None  # a first term with c = 1, not yet copied
    for c, y in terms:
        if type(c) is float or isinstance(c, float | int):
            if c == 0:
                continue
            if out is not None:
                out.add_(y, alpha=c)
            elif pending is not None:
                out, pending = pending.add(y, alpha=c), None
            elif c == 1:
                pending = y
            else:
                out = _scaled(c, y)
        else:
            scaled = y * c.to(y.dtype)
            base = pending if pending is not None else out
            out, pending = (scaled if base is None else scaled.add_(base)), None
    if pending is not None:
        return pending.clone()
    if out is None:
        return terms[0][1].new_zeros(()).expand_as(terms[0][1]).clone()
    return out


def _scaled(c: float, y: Tensor) -> Tensor:
    """c y as 0 + c y: the same bits as a product, whose scalar torch would wrap in a tensor at most of its cost."""
    zero = _zeros.get(y.dtype)
    if zero is None:
        import torch

        zero = _zeros[y.dtype] = torch.zeros((), dtype=y.dtype)
    return zero.add(y, alpha=c)


def _blend(terms: tuple[Term, ...]) -> Tensor | None:
    """Two or three terms whose coefficients sum to 1, as interpolations: a pass less than terms, and less rounding.

    None where they do not, or where the last two nearly cancel, so that their quotient would lose digits.
    """
    if len(terms) == 2:
        (a, x), (b, y) = terms
        if type(a) is float and type(b) is float and a != 0 and b != 0 and -_ROUNDING < a + b - 1 < _ROUNDING:
            return x.lerp(y, b)
    elif len(terms) == 3:
        (a, x), (b, y), (c, z) = terms
        if type(a) is float and type(b) is float and type(c) is float and a != 0 and b != 0 and c != 0:
            rest = b + c
            if -_ROUNDING < a + rest - 1 < _ROUNDING and abs(rest) > 0.01 * abs(b):
                return y.lerp(z, c / rest).lerp_(x, a)
    return None
