"""Predictor-corrector with the step size of the paper's code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo_predictor_corrector.predictor_corrector import PredictorCorrector

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import GaussianPoint
    from solvers_zoo.numerics.scalar import Scalar


class BatchMeanPredictorCorrector(PredictorCorrector):
    r"""Predictor-corrector with one step size for the whole batch, from mean norms.

        eps = 2 a (snr mean|z| / mean|g|)^2

    This is what the paper's code does, and it lets a sample's value depend on its neighbours: use it to reproduce, and
    ``predictor-corrector`` otherwise.
    """

    card = replace(
        PredictorCorrector.card,
        name="predictor-corrector-batch-mean",
        title="Predictor-corrector, mean norms of the batch",
        aliases=("pc-batch-mean",),
        batch_coupled=True,
        bias="the corrector's: on a Gaussian the variance settles at 1 + snr^2 times the exact one",
        source=replace(PredictorCorrector.card.source, where="Algorithms 4 and 5, as in score_sde's LangevinCorrector"),
    )

    def _mean_step(self, variance: float, point: GaussianPoint) -> float:
        """eps in many dimensions: no minimum is taken."""
        return 2 * self.snr**2 * variance

    def step_size(self, g: Tensor, z: Tensor, a: Scalar, point: GaussianPoint) -> Tensor:
        """eps of one corrector step, one number for the batch."""
        ratio = z.reshape(len(z), -1).norm(dim=1).mean() / g.reshape(len(g), -1).norm(dim=1).mean()
        return 2 * a * self.snr**2 * ratio**2
