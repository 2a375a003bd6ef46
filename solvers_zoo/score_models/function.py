"""Any callable as a score model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import ModelError, OptionError
from solvers_zoo.processes.prediction import FORMS
from solvers_zoo.score_models.base import ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import SDE


class FunctionModel(ScoreModel):
    """Wrap ``fn(x, t, **condition)``: a network, a closure, anything.

    Args:
        fn: gets ``x`` of shape (B, ...) and ``t`` as a (B,) tensor of x's dtype and device, in the SDE's own time.
        sde: the process the prediction belongs to.
        prediction: what fn returns: ``x0``, ``eps``, ``v``, ``score`` or ``flow`` (the velocity dx/dt).
        shape: shape of one sample, if sampling should know it.

    Raises:
        OptionError: an unknown ``prediction``.
        ModelError: (on a call) fn returned something that is not a tensor of x's shape.

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

    def predict(self, x: Tensor, point: Any, **condition: Any) -> Tensor:
        """fn at x and the point's time."""
        t = point.t
        times = x.new_full((x.shape[0],), t) if type(t) is float else t.to(x.dtype).reshape(-1).expand(x.shape[0])
        out = self.fn(x, times, **condition)
        if getattr(out, "shape", None) != x.shape:
            raise ModelError(
                f"The model returned {_describe(out)} for a state of shape {tuple(x.shape)}; "
                "it must return a tensor of the state's own shape."
            )
        return out if out.dtype is x.dtype else out.to(x.dtype)


def _describe(out: Any) -> str:
    shape = getattr(out, "shape", None)
    return f"a tensor of shape {tuple(shape)}" if shape is not None else f"a {type(out).__name__}"
