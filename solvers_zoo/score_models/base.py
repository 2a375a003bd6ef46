"""Score models: what turns a noisy state into a prediction.

A model declares its SDE and its native parametrisation (``kind``) and gives one method, `predict`. Everything that
changes a model (guidance, thresholding, counting, score error) is a wrapper that is itself a `ScoreModel`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from solvers_zoo.processes.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import SDE, GaussianPoint
    from solvers_zoo.score_models.analytic import AnalyticModel


class ScoreModel(ABC):
    """A score model on a process.

    Attributes:
        sde: the forward process it was made for.
        kind: native parametrisation: ``x0``, ``eps``, ``score``, ``v`` or ``flow``.
        cost: network calls that one call costs (2 with classifier-free guidance).
        shape: shape of one sample, or None where any will do.
        checkpoints: files that its weights come from.
        data_range: least and largest value that data have, where known: black and white in a picture.

    """

    sde: SDE
    kind: str
    cost: int = 1
    shape: tuple[int, ...] | None = None
    checkpoints: Sequence[Path] = ()
    data_range: tuple[float, float] | None = None

    @abstractmethod
    def predict(self, x: Tensor, point: GaussianPoint, **condition: Any) -> Tensor:
        """The native prediction at the state ``x`` (B, ...) and ``point`` of the schedule; of x's shape and dtype."""

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: Any) -> Prediction:
        """One call, as a lazy `Prediction`. ``point`` comes from ``model.sde.at(t)``."""
        return self.sde.predict(self.kind, x, point, self.predict(x, point, **condition))

    @property
    def analytic(self) -> AnalyticModel | None:
        """The law in closed form whose score this is, if it is one; what changes a model's answers has none."""
        return None

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """The condition of a run that gives none: tensors with a row for each of the numbered samples."""
        return {}

    def impose(self, x: Tensor, point: GaussianPoint, draws: Draws) -> Tensor:
        """The state with what is known of it put in, at the noise of ``point``; nothing is, unless a model says otherwise."""
        return x


class ModelWrapper(ScoreModel):
    """A model that changes another one; it shares the other's SDE, kind, cost and shape until it says otherwise."""

    def __init__(self, model: ScoreModel) -> None:
        self.model = model
        self.sde, self.kind, self.cost, self.shape = model.sde, model.kind, model.cost, model.shape
        self.checkpoints, self.data_range = model.checkpoints, model.data_range

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The inner model's prediction."""
        return self.model.predict(x, point, **condition)

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """The inner model's default condition."""
        return self.model.default_condition(seed, samples)

    def impose(self, x: Tensor, point: GaussianPoint, draws: Draws) -> Tensor:
        """Let the inner model put in what it knows."""
        return self.model.impose(x, point, draws)
