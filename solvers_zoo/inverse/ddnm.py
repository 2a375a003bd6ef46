"""DDNM: the predicted data are made to agree with the observation; what is not observed stays as the model has it."""

from __future__ import annotations

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.inverse.observed import Observation, Observed, flat
from solvers_zoo.inverse.operators import DecomposedOperator, LinearOperator
from solvers_zoo.processes.base import GaussianPoint
from solvers_zoo.processes.prediction import Prediction
from solvers_zoo.score_models.base import ScoreModel


class DDNM(Observed):
    r"""The null-space model: what A sees of the predicted data is replaced by what was observed.

        without noise             x0' = x0 + A^+ (y - A x0)
        with, coordinate i of V   x0'_i = x0_i + lambda_i (y_i/s_i - x0_i),   lambda_i = min(1, s_i sigma/(alpha noise_std))

    Wang et al. 2023 (2212.00490), eq. (12), and (17) with (19) for noise, a singular value at a time as in the authors'
    code. There the level in lambda is that of the next step, and the step's own noise is made smaller by what y brings;
    a model knows neither, so here it is the level of the state. No gradient is taken and it costs nothing. On the
    mixture of docs/inverse-problems.md its mean is 0.40 off, its covariance 0.37 and its sliced W1 0.16.

    Args:
        model: the model.
        operator: A, decomposed.
        y: as in `Observed`.
        noise_std: noise of y.

    """

    def __init__(self, model: ScoreModel, operator: LinearOperator, y: object, noise_std: float = 0.0) -> None:
        super().__init__(model, operator, y, noise_std)
        if not isinstance(operator, DecomposedOperator):
            raise OptionError(
                f"DDNM needs the operator's singular values; {type(operator).__name__} has none. "
                "Use Matrix, Mask, Grey, Average or Blur, or a method without them: DPS, PiGDM or MMPS."
            )
        self.kind = "x0"

    def guide(self, x: Tensor, point: GaussianPoint, seen: Observation, condition: dict[str, object]) -> Prediction:
        """The prediction corrected."""
        A = self.operator
        assert isinstance(A, DecomposedOperator)  # `__init__` saw to it
        x0 = self.model(x, point, **condition).x0
        if self.noise_std == 0:
            return self.sde.predict("x0", x, point, x0 + A.pinv(seen.y - A(x0)))
        values, (alpha, sigma) = A.values(x), (flat(c, x) for c in (point.alpha, point.sigma))
        share = torch.minimum(values * sigma, alpha * self.noise_std) / (alpha * self.noise_std)
        away = A.U_T(seen.y - A(x0))[:, : len(values)] / values
        move = torch.nn.functional.pad(share * away, (0, x0[0].numel() - len(values)))
        return self.sde.predict("x0", x, point, x0 + A.V(move))
