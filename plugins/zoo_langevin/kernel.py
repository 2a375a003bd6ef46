"""The Markov kernel that both solvers repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import combine
from solvers_zoo.numerics import sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


def langevin_kernel(
    model: ScoreModel, x: Tensor, point: GaussianPoint, eps: Scalar, times: int, noise: Draws
) -> Tensor:
    """``times`` steps x <- x + eps/2 score(x, point) + sqrt(eps) z at one point; x is (B, ...), eps in units of x^2."""
    for _ in range(times):
        x = combine((1.0, x), (eps / 2, model(x, point).score), (sqrt(eps), noise.fresh()))
    return x
