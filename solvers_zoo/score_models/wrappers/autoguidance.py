"""Autoguidance: a model pushed away from a worse version of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.numerics.combine import combine
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint


class AutoGuidance(ModelWrapper):
    r"""A good model and a bad one (smaller, or trained for less) of the same data, as one.

        x0 = x0_bad + scale (x0_good - x0_bad)

    Karras et al. 2024 (2406.02507): the formula of classifier-free guidance, with the bad model in the place of the
    unconditional one. Both get a run's condition. The two may differ in parametrisation. It costs what both cost.

    Args:
        model: the good one; the answer is in its parametrisation.
        bad: the bad one, on the same process.
        scale: strength; 1 is the good model, 2 is usual.

    Raises:
        OptionError: models on two processes.

    """

    def __init__(self, model: ScoreModel, bad: ScoreModel, scale: float = 2.0) -> None:
        super().__init__(model)
        if str(bad.sde) != str(model.sde):
            raise OptionError(f"The two models are on two processes, {model.sde} and {bad.sde}; use one for both.")
        self.bad, self.scale = bad, float(scale)
        self.cost = model.cost + bad.cost
        self.checkpoints = [*model.checkpoints, *bad.checkpoints]

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The guided output."""
        good, bad = self.model(x, point, **condition).out, self.bad(x, point, **condition)
        worse: Tensor = bad.out if self.bad.kind == self.kind else getattr(bad, self.kind)
        return combine((1.0 - self.scale, worse), (self.scale, good))
