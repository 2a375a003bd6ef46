"""A model that is asked once about the start of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction


class Once(ModelWrapper):
    """Asks ``model`` about one state and point at most once, and answers from memory when asked again.

    A step and its halves start alike, and so do a step and the record of where it began.

    Attributes:
        known: the prediction at the start, once it has been asked for.

    """

    def __init__(self, model: ScoreModel, x: Tensor, point: GaussianPoint) -> None:
        super().__init__(model)
        self.x, self.point = x, point
        self.known: Prediction | None = None

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """The model's prediction, kept if it is at the start of the step."""
        if x is not self.x or point is not self.point:
            return self.model(x, point, **condition)
        if self.known is None:
            self.known = self.model(x, point, **condition)
        return self.known
