"""One Gaussian: the model on which nearly everything has a closed form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.score_models.analytic import AnalyticModel, eigenbasis, fold, rows, tensor64

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.analytic import Level


class Gaussian(AnalyticModel):
    r"""A Gaussian, X_0 ~ N(mean, cov).

        X_t ~ N(alpha mean, alpha^2 cov + sigma^2)
        E[X_0 | x] = mean + alpha cov (alpha^2 cov + sigma^2)^-1 (x - alpha mean).

    With a scalar or diagonal covariance every operation is elementwise and a sample's result has the same bits in any
    batch. A full one takes two matrix products, in its eigenbasis, and its bits may change with the batch (by about 1e-7
    of the largest entry in float32, 1e-15 in float64).

    Args:
        mean: any shape; it is the shape of a sample.
        cov: a number, variances of the mean's shape, or a matrix (D, D) over the flattened sample.
        sde: the process.

    Attributes:
        mean: (D,), float64.
        variances: eigenvalues of the covariance, (D,).
        basis: its eigenvectors in columns (D, D), or None if it is diagonal.

    Raises:
        OptionError: a covariance of another shape, or none.

    """

    def __init__(self, mean: object, cov: object, sde: GaussianSDE) -> None:
        center, spread = tensor64("mean", mean), tensor64("cov", cov)
        super().__init__(tuple(center.shape), sde)
        self.mean = center.reshape(-1)
        size = self.mean.numel()
        self.basis: Tensor | None = None
        if spread.dim() == 0 or spread.shape == center.shape:
            self.variances = spread.reshape(-1).expand(size).clone()
            if bool((self.variances < 0).any()):
                raise OptionError(f"cov has a negative variance ({float(self.variances.min()):.3g}).")
        elif spread.shape == (size, size):
            self.variances, self.basis = eigenbasis("cov", spread)
        else:
            raise OptionError(
                f"cov has shape {tuple(spread.shape)}; for a mean of shape {self.shape} it is a number, variances of that "
                f"shape, or a matrix ({size}, {size})."
            )

    def predict(self, x: Tensor, point: Level, **condition: object) -> Tensor:
        """E[X_0 | x], of x's shape."""
        state = rows(x)
        gain, rest, *basis = self._at(point, state, self._posterior)
        if basis:
            state = state @ basis[0]
        out = state * gain + rest
        if basis:
            out = out @ basis[0].mT
        return out.to(x.dtype).view(x.shape)

    def _posterior(self, alpha: Scalar, sigma: Scalar) -> tuple[Tensor, ...]:
        alpha, sigma = column(alpha), column(sigma)
        noisy = alpha**2 * self.variances + sigma**2
        mean = self.mean if self.basis is None else self.mean @ self.basis
        return (alpha * self.variances / noisy, sigma**2 / noisy * mean, *self._bases())

    def _density(self, alpha: Scalar, sigma: Scalar) -> tuple[Tensor, ...]:
        alpha, sigma = column(alpha), column(sigma)
        noisy = alpha**2 * self.variances + sigma**2
        level = -0.5 * (noisy.log().sum(-1) + len(self.mean) * math.log(2 * math.pi))
        return (alpha * self.mean, 0.5 / noisy, noisy.sqrt(), level, *self._bases())

    def _bases(self) -> tuple[Tensor, ...]:
        return () if self.basis is None else (self.basis,)

    def log_density(self, x: Tensor, point: Level) -> Tensor:
        """log p_t(x), (B,)."""
        state = rows(x)
        center, precision, _, level, *basis = self._at(point, state, self._density)
        away = state - center
        if basis:
            away = away @ basis[0]
        return (level - fold((away * away * precision).mT)).to(x.dtype)

    def draw(self, point: Level, draws: Draws) -> Tensor:
        """alpha mean + (alpha^2 cov + sigma^2)^(1/2) z."""
        z = draws.fresh()
        state = rows(z)
        center, _, std, _, *basis = self._at(point, state, self._density)
        away = state * std
        if basis:
            away = away @ basis[0].mT
        return (away + center).to(z.dtype).view(z.shape)

    def moments(self, point: Level) -> tuple[Tensor, Tensor]:
        """Mean and covariance of p_t."""
        noisy = point.alpha**2 * self.variances + point.sigma**2
        cov = torch.diag(noisy) if self.basis is None else (self.basis * noisy) @ self.basis.mT
        return point.alpha * self.mean, cov


def column(c: Scalar) -> Scalar:
    """A float, or a vector (B,) as (B, 1)."""
    return c if isinstance(c, float) else c[:, None]
