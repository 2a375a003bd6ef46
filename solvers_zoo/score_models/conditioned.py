"""A model with its condition bound, so that solvers need not know of conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from solvers_zoo.processes.prediction import Prediction


class Conditioned(ModelWrapper):
    """``model`` called with ``condition`` every time."""

    def __init__(self, model: ScoreModel, condition: dict[str, Any]) -> None:
        super().__init__(model)
        self.condition = condition

    def __call__(self, x: Any, point: Any, **more: Any) -> Prediction:
        """The model's prediction under the condition."""
        return self.model(x, point, **self.condition, **more)
