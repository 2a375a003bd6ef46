"""Thresholding: predicted data are clipped to the range that data have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from solvers_zoo.errors import OptionError
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction


class Thresholding(ModelWrapper):
    """Static thresholding: every coordinate of the predicted data is cut to [low, high].

    Saharia et al. 2022 (2205.11487), Section 2.3; Ho et al. 2020 do it too. Wrap it round a guided model, whose predictions
    leave the range: ``Thresholding(Guided(model, 5.0))``. A prediction inside the range is unchanged, bit for bit.

    Args:
        model: the model; it answers in x0.
        low: smallest value.
        high: largest value.

    Raises:
        OptionError: low is not below high.

    """

    def __init__(self, model: ScoreModel, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__(model)
        if not low < high:
            raise OptionError(f"Thresholds low = {low} and high = {high} leave no range.")
        self.low, self.high, self.kind = float(low), float(high), "x0"

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The data predicted, cut."""
        return self(x, point, **condition).out

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """The prediction with its x0 cut; what is without guidance stays as it is."""
        inner = self.model(x, point, **condition)
        prediction = self.sde.predict("x0", x, point, self.cut(inner.x0))
        prediction.unguided, prediction.observed = inner.unguided, inner.observed
        return prediction

    def cut(self, x0: Tensor) -> Tensor:
        """Data within the range."""
        return x0.clamp(self.low, self.high)


class DynamicThresholding(Thresholding):
    r"""Dynamic thresholding: a sample is cut at a quantile of its own absolute values, and scaled back to the limit.

        x0' = limit/s clip(x0, -s, s),   s = max(limit, quantile of |x0| within the sample)

    Saharia et al. 2022 (2205.11487), Section 2.3.

    Args:
        model: the model; it answers in x0.
        quantile: between 0 and 1; the paper has 0.995 for images of 64 x 64.
        limit: largest absolute value of the data.

    Raises:
        OptionError: a quantile outside [0, 1], or a limit that is not positive.

    """

    def __init__(self, model: ScoreModel, quantile: float = 0.995, limit: float = 1.0) -> None:
        if not (0 <= quantile <= 1 and limit > 0):
            raise OptionError(f"A quantile is between 0 and 1 and a limit above 0; got {quantile} and {limit}.")
        super().__init__(model, -limit, limit)
        self.quantile = float(quantile)

    def cut(self, x0: Tensor) -> Tensor:
        """Data within the sample's own range, scaled to the limit."""
        size = x0[0].numel()
        sizes = x0.flatten(1).abs().to(torch.promote_types(x0.dtype, torch.float32)).sort(1).values
        # as torch.quantile, which refuses more than 16 million values: between the two nearest
        place = self.quantile * (size - 1)
        below = int(place)
        s = sizes[:, below].lerp(sizes[:, min(below + 1, size - 1)], place - below).clamp_min(self.high)
        s = s.to(x0.dtype).reshape(-1, *[1] * (x0.dim() - 1))
        return x0.clamp(-s, s) / s * self.high
