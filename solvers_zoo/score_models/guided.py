"""Classifier-free guidance: a conditional prediction pushed away from the unconditional one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from solvers_zoo.numerics.combine import combine
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.prediction import Prediction


class Guided(ModelWrapper):
    r"""Two calls of ``model``, under a condition (c) and without it (u), as one prediction.

        out = out_u + scale (out_c - out_u)

    The same in every parametrisation, as all are linear in the output. Ho & Salimans 2022 (2207.12598), eq. (6), with
    scale = 1 + w; 1 is the condition alone, 0 none. The prediction's ``unguided`` is the one of u, for solvers that use both;
    wrappers that change answers belong inside, ``Guided(wrapper(model), ...)``, as outside they would leave one answer.

    Args:
        model: called as ``model(x, point, **condition)`` and ``model(x, point, **null)``.
        scale: strength of the guidance.
        condition: what is always passed in the first call; a run's own ``condition`` is added to it.
        null: what is passed in the second call, e.g. the label of no class; nothing by default.

    >>> import solvers_zoo as zoo
    >>> fn = lambda x, t, shift=0.0: 0 * x + shift
    >>> model = zoo.FunctionModel(fn, sde=zoo.EDM(), prediction="x0", shape=(2,))
    >>> guided = zoo.Guided(model, scale=3.0, condition={"shift": 0.5})
    >>> zoo.sample(guided, solver="euler", steps=4, n=3, seed=0, denoise=True).x.mean().item()
    1.5

    """

    def __init__(
        self,
        model: ScoreModel,
        scale: float,
        condition: Mapping[str, Any] | None = None,
        null: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model)
        self.scale, self.condition, self.null = float(scale), dict(condition or {}), dict(null or {})
        self.cost = 2 * model.cost

    def predict(self, x: Tensor, point: Any, **condition: Any) -> Tensor:
        """The guided output."""
        return self(x, point, **condition).out

    def __call__(self, x: Tensor, point: Any, **condition: Any) -> Prediction:
        """Both calls; the guided prediction, with the other one beside it."""
        asked = self.model(x, point, **self.condition, **condition)
        plain = self.model(x, point, **self.null)
        out = combine((1.0 - self.scale, plain.out), (self.scale, asked.out))
        prediction = self.sde.predict(self.kind, x, point, out)
        prediction.unguided = plain
        return prediction
