"""A model that counts its calls and evaluations: they are what a run costs."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction
    from solvers_zoo.score_models.analytic import AnalyticModel


class CountingModel(ModelWrapper):
    """Counts what goes through ``model``.

    Attributes:
        calls: batched calls so far.
        seconds: wall time spent inside the model (of launching, on a device: nothing is synchronised for it).

    """

    def __init__(self, model: ScoreModel) -> None:
        super().__init__(model)
        self.calls = 0
        self.seconds = 0.0

    @property
    def nfe(self) -> int:
        """Network evaluations so far: calls times what a call costs."""
        return self.calls * self.cost

    @property
    def analytic(self) -> AnalyticModel | None:
        """The model's: counting changes no answer."""
        return self.model.analytic

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """Count one call and make it."""
        self.calls += 1
        start = perf_counter()
        prediction = self.model(x, point, **condition)
        self.seconds += perf_counter() - start
        return prediction
