"""Any callable as a score model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from solvers_zoo.errors import ModelError, OptionError
from solvers_zoo.processes.prediction import FORMS
from solvers_zoo.score_models.base import ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import SDE, Point


class FunctionModel(ScoreModel):
    """Wrap ``fn(x, t, **condition)``: a network, a closure, anything.

    Args:
        fn: gets ``x`` of shape (B, ...) and ``t`` as a (B,) tensor on x's device, in the SDE's own time; of x's dtype,
            but float32 at least, as bfloat16 cannot tell t = 999 from 1000. What it returns is cast to x's dtype.
        sde: the process the prediction belongs to.
        prediction: what fn returns: ``x0``, ``eps``, ``v``, ``score`` or ``flow`` (the velocity dx/dt).
        shape: shape of one sample, if sampling should know it.

    Raises:
        OptionError: an unknown ``prediction``.
        ModelError: (on a call) fn returned something that is not a floating-point tensor of x's shape, on its device.

    >>> import solvers_zoo as zoo
    >>> model = zoo.FunctionModel(lambda x, t: 0 * x, sde=zoo.EDM(), prediction="x0", shape=(2,))
    >>> zoo.sample(model, solver="euler", steps=4, n=3, seed=0).x.shape
    torch.Size([3, 2])

    """

    def __init__(
        self,
        fn: Callable[..., Tensor],
        sde: SDE,
        prediction: str = "eps",
        shape: tuple[int, ...] | None = None,
    ) -> None:
        if prediction not in FORMS:
            raise OptionError(f"prediction = {prediction!r} is not known; it is one of {', '.join(FORMS)}.")
        self.fn, self.sde, self.kind, self.shape = fn, sde, prediction, shape

    def predict(self, x: Tensor, point: Point, **condition: object) -> Tensor:
        """fn at x and the point's time."""
        t, shape, dtype = point.t, x.shape, x.dtype
        if not isinstance(t, float):
            times = t.to(x.device, dtype if dtype.itemsize >= 4 else torch.float32).reshape(-1).expand(shape[0])
        elif dtype.itemsize >= 4:
            times = x.new_full(shape[:1], t)
        else:
            times = x.new_full(shape[:1], t, dtype=torch.float32)
        out = self.fn(x, times, **condition)
        if getattr(out, "shape", None) != shape or not out.dtype.is_floating_point or out.device != x.device:
            raise ModelError(
                f"The model returned {_describe(out)} for a state of shape {tuple(x.shape)} on {x.device}; "
                "it must return a floating-point tensor of the state's own shape, there."
            )
        return out if out.dtype is dtype else out.to(dtype)


def _describe(out: object) -> str:
    if not isinstance(out, torch.Tensor):
        return f"a {type(out).__name__}"
    return f"a {str(out.dtype).removeprefix('torch.')} tensor of shape {tuple(out.shape)} on {out.device}"
