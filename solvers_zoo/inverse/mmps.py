"""MMPS: the likelihood of the observation with the covariance that the model implies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.inverse.observed import GradientObserved
from solvers_zoo.inverse.operators import LinearOperator, conjugate_gradients
from solvers_zoo.numerics.combine import combine
from solvers_zoo.processes.prediction import tweedie

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


class MMPS(GradientObserved):
    r"""Moment matching: X_0 given x is taken as N(x0, V), with the covariance V that Tweedie's formula gives.

        score' = score + J^T A^T (noise_std^2 + A V A^T)^-1 (y - A x0),   J = d x0/d x,   V = sigma^2/alpha J

    Rozet et al. 2024 (2405.13712), the section on moment matching posterior sampling. The system is solved by
    ``iterations`` of conjugate gradients, each a product with V, which is symmetric. It is exact for Gaussian data,
    with as many iterations as there are values in y. On the mixture of docs/inverse-problems.md its mean is 0.32 off,
    its covariance 0.36 and its sliced W1 0.12. It costs 2 + iterations evaluations.

    Args:
        model: the model; it must be differentiable.
        operator: A.
        y: as in `Observed`.
        noise_std: noise of y; a little is wanted, as V vanishes with the noise of the state.
        iterations: of conjugate gradients, at most.

    """

    def __init__(
        self, model: ScoreModel, operator: LinearOperator, y: object, noise_std: float = 0.0, iterations: int = 3
    ) -> None:
        super().__init__(model, operator, y, noise_std)
        self.iterations = iterations
        self.cost = (2 + iterations) * model.cost

    def residual(self, away: Tensor, point: GaussianPoint, pull: Callable[[Tensor], Tensor]) -> Tensor:
        """(noise_std^2 + A V A^T)^-1 (y - A x0)."""
        A, scale = self.operator, tweedie(point)

        def spread(v: Tensor) -> Tensor:
            return self.noise_std**2 * v + A(combine((scale, pull(A.T(v)))))

        return conjugate_gradients(spread, away, self.iterations)
