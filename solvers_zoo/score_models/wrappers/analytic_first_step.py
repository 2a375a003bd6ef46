"""The score at the start of sampling without a network: there the law is nearly that of the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.numerics.combine import combine
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction


class AnalyticFirstStep(ModelWrapper):
    r"""Answer at one point as if the data were N(0, v), and ask ``model`` everywhere else.

        x0 = alpha v / (alpha^2 v + sigma^2) x

    On a variance-preserving process v = 1 makes this score = -x; for v = 0 it is x0 = 0, score = -x/sigma^2. The error is that
    of the score of the data at the start: small if sigma/alpha is large there, and of order 1 in the size of the first step.

    Args:
        model: the model for all other points.
        point: where the answer is analytic; the process's t_max by default. In per-sample stepping its fields are tensors.
        variance: v, of the data.

    Raises:
        IncompatibleError: a process that is not Gaussian.

    """

    def __init__(self, model: ScoreModel, point: GaussianPoint | None = None, variance: float = 1.0) -> None:
        super().__init__(model)
        sde = model.sde.as_gaussian("its prior has no known score")
        self.point = sde.at(sde.t_max) if point is None else point
        self.variance = float(variance)

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """The analytic prediction at the point, the model's elsewhere."""
        if point is not self.point and not _equal(point.t, self.point.t):
            return self.model(x, point, **condition)
        signal = point.alpha * self.variance
        x0 = combine((signal / (point.alpha * signal + point.sigma**2), x))
        return self.sde.predict("x0", x, point, x0)


def _equal(t: Scalar, s: Scalar) -> bool:
    """Whether two times are the same float; those of samples are told apart by their points."""
    return type(t) is float and type(s) is float and t == s
