"""The one place where a step's arithmetic touches the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def combine(*terms: tuple[Any, Tensor]) -> Tensor:
    """The linear combination ``c1*y1 + c2*y2 + ...`` in one allocation and one pass a term.

    Args:
        terms: pairs ``(c, y)``; ``c`` a Python float, or a tensor that broadcasts against ``y`` in per-sample stepping,
            ``y`` of shape (B, ...). Terms with c = 0.0 are left out, so an infinite or undefined y behind a zero weight
            does no harm.

    Returns:
        A new tensor; the arguments are untouched. Scalars stay on the host: nothing here synchronises a device.

    """
    out: Any = None
    pending: Tensor | None = None  # a first term with c = 1, not yet copied
    for c, y in terms:
        if type(c) is float or type(c) is int:
            if c == 0:
                continue
            if out is not None:
                out.add_(y, alpha=c)
            elif pending is not None:
                out, pending = pending.add(y, alpha=c), None
            elif c == 1:
                pending = y
            else:
                out = y.mul(c)
        else:
            scaled = y * c.to(y.dtype)
            base = pending if pending is not None else out
            out, pending = (scaled if base is None else scaled.add_(base)), None
    if pending is not None:
        return pending.clone()
    if out is None:
        return terms[0][1].new_zeros(()).expand_as(terms[0][1]).clone()
    return out
