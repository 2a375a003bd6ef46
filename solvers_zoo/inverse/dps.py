"""DPS: the likelihood of the observation at the denoised state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.inverse.observed import GradientObserved
from solvers_zoo.inverse.operators import LinearOperator, dot

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


class DPS(GradientObserved):
    r"""Diffusion posterior sampling: log p(y | x) is taken at x0 = E[X_0 | x], as if nothing were uncertain.

        score' = score + rho J^T A^T (y - A x0),   J = d x0/d x
        rho = scale/noise_std^2,   or normalised   scale/|y - A x0|.

    Chung et al. 2023 (2209.14687), Section 3 and Algorithm 1, where a step of DDPM subtracts the gradient of |y - A x0|
    times a number: `normalised` is that weight, said of the score, so that any solver can take it. With 1/noise_std^2 it
    is the likelihood at x0, too sure by far at high noise, where it also makes the flow stiff: a small noise_std wants small
    steps. On the mixture of docs/inverse-problems.md its mean is 0.46 off, its covariance 0.78 and its sliced W1 0.27. It
    costs two evaluations.

    Args:
        model: the model; it must be differentiable.
        operator: A.
        y: as in `Observed`.
        noise_std: noise of y; above 0 unless normalised.
        scale: strength.
        normalised: divide by the distance |y - A x0| of every sample instead of the noise.

    Raises:
        OptionError: no noise, and not normalised.

    """

    def __init__(
        self,
        model: ScoreModel,
        operator: LinearOperator,
        y: object,
        noise_std: float = 0.0,
        scale: float = 1.0,
        normalised: bool = False,
    ) -> None:
        super().__init__(model, operator, y, noise_std)
        if not normalised and not self.noise_std > 0:
            raise OptionError(
                "DPS: noise_std = 0 makes the likelihood infinitely sharp; give a noise, or normalised=True."
            )
        self.scale, self.normalised = float(scale), normalised

    def residual(self, away: Tensor, point: GaussianPoint, pull: Callable[[Tensor], Tensor]) -> Tensor:
        """That of the likelihood at x0."""
        return away / (dot(away, away).sqrt().clamp_min(1e-30) if self.normalised else self.noise_std**2)
