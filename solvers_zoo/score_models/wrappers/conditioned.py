"""A model that carries its condition, so that solvers need not pass one on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction


class Conditioned(ModelWrapper):
    """``model`` called with ``condition`` every time.

    Args:
        model: the model.
        condition: what it is called with.
        rows: names of the entries that hold a row for every sample. A solver may ask for several states of every sample at once,
            one batch after the other; these are then repeated.

    """

    def __init__(self, model: ScoreModel, condition: Mapping[str, object], rows: Collection[str] = ()) -> None:
        super().__init__(model)
        self.condition, self.rows = condition, frozenset(rows)

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """The model's default condition, without the names that are bound here."""
        inner = self.model.default_condition(seed, samples)
        return {name: value for name, value in inner.items() if name not in self.condition}

    def __call__(self, x: Tensor, point: GaussianPoint, **more: Any) -> Prediction:
        """The model's prediction under the condition."""
        return self.model(x, point, **{name: self._for(x, name) for name in self.condition}, **more)

    def _for(self, x: Tensor, name: str) -> object:
        value = self.condition[name]
        if name not in self.rows or not isinstance(value, Tensor) or len(x) == len(value):
            return value
        return value.repeat(len(x) // len(value), *[1] * (value.dim() - 1))
