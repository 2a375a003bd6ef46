"""The kernel mixture: a data set, smoothed, as a law with an exact score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.score_models.analytic import AnalyticModel, blocks, columns, rows, tensor64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.analytic import Level


class KernelMixture(AnalyticModel):
    r"""Every point of a data set, smoothed with one bandwidth: X_0 ~ 1/K sum_k N(y_k, h^2 I).

        E[X_0 | x] = gain x + (1 - alpha gain) sum_k r_k(x) y_k,   gain = alpha h^2 / s^2,   s^2 = alpha^2 h^2 + sigma^2.

    Made for thousands of points: distances and averages are matrix products, in blocks. Distances are expanded squares,
    so they are taken in float64 round the data's mean: their error is 1e-16 |x|^2 / s^2, which counts only where the
    noise is ten million times smaller than the data. A sample's bits may change with the batch it is computed in (by about
    1e-6 of the largest entry in float32, 1e-14 in float64); `Mixture` gives the same law with the same bits, slower.

    Args:
        data: (K, *shape).
        bandwidth: h >= 0.
        sde: the process.

    Attributes:
        data: (K, D), float64.
        bandwidth: h.

    Raises:
        OptionError: no data, or a negative bandwidth.

    """

    def __init__(self, data: object, bandwidth: float, sde: GaussianSDE) -> None:
        table = tensor64("data", data)
        if table.dim() == 0 or table.numel() == 0 or not bandwidth >= 0:
            raise OptionError(
                f"A kernel mixture takes data of shape (K, ...) and a bandwidth >= 0; got data of shape "
                f"{tuple(table.shape)} and bandwidth {bandwidth!r}."
            )
        super().__init__(tuple(table.shape[1:]), sde)
        self.data, self.bandwidth = table.reshape(len(table), -1), float(bandwidth)
        self.mean = self.data.mean(0)
        self._away = self.data - self.mean
        self._squares = self._away.square().sum(1)
        self._cast: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    def predict(self, x: Tensor, point: Level, **condition: object) -> Tensor:
        """E[X_0 | x], of x's shape."""
        state = rows(x)
        gain, rest = self._at(point, state, self._gains)
        data = self._on_device(state)[1]
        parts = []
        for b, exponents in self._exponents(state, point):
            odds = (exponents - exponents.amax(-1, keepdim=True)).to(state.dtype).exp()
            center = (odds @ data) / odds.sum(-1, keepdim=True)
            parts.append(state[b] * columns(gain, b).mT + center * columns(rest, b).mT)
        return torch.cat(parts).to(x.dtype).reshape(x.shape)

    def _noisy(self, alpha: Scalar, sigma: Scalar) -> Scalar:
        return alpha**2 * self.bandwidth**2 + sigma**2

    def _gains(self, alpha: Scalar, sigma: Scalar) -> tuple[Tensor, ...]:
        noisy = self._noisy(alpha, sigma)
        gain, rest = alpha * self.bandwidth**2 / noisy, sigma**2 / noisy
        return tuple(torch.as_tensor(c, dtype=torch.float64).reshape(1, -1) for c in (gain, rest))

    def _scales(self, alpha: Scalar, sigma: Scalar) -> tuple[Tensor, ...]:
        """alpha, 1/s^2 as (1, 1 or B)."""
        return tuple(
            torch.as_tensor(c, dtype=torch.float64).reshape(1, -1) for c in (alpha, 1 / self._noisy(alpha, sigma))
        )

    def _on_device(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """The centred data in float64 and the data in the state's dtype, on the state's device."""
        key = (like.dtype, like.device)
        if key not in self._cast:
            self._cast[key] = (self._away.to(like.device), self.data.to(like.device, like.dtype))
        return self._cast[key]

    def _exponents(self, state: Tensor, point: Level) -> Iterator[tuple[slice, Tensor]]:
        """Blocks of samples with -|x - alpha y_k|^2 / (2 s^2) + |x - alpha mean|^2 / (2 s^2), (b, K), float64."""
        alpha, precision = self._at(point, state.new_empty(0, dtype=torch.float64), self._scales)
        away = self._on_device(state)[0]
        mean, squares = self.mean.to(state.device), self._squares.to(state.device)
        for b in blocks(len(state), len(away) // 4):
            a, p = columns(alpha, b).mT, columns(precision, b).mT
            x = state[b].double() - a * mean
            yield b, torch.addmm(-0.5 * (a * a * p) * squares, x * (a * p), away.mT)

    def log_density(self, x: Tensor, point: Level) -> Tensor:
        """log p_t(x), (B,)."""
        state = rows(x)
        alpha, precision = self._at(point, state.new_empty(0, dtype=torch.float64), self._scales)
        parts = []
        for b, exponents in self._exponents(state, point):
            a, p = columns(alpha, b)[0], columns(precision, b)[0]
            away = state[b].double() - a[:, None] * self.mean.to(state.device)
            level = 0.5 * state.shape[1] * (p / (2 * math.pi)).log() - math.log(len(self.data))
            parts.append(exponents.logsumexp(-1) - 0.5 * p * away.square().sum(-1) + level)
        return torch.cat(parts).to(x.dtype)

    def draw(self, point: Level, draws: Draws) -> Tensor:
        """A data point by chance, then alpha y + s z."""
        label = (draws.uniform() * len(self.data)).long()
        z = draws.fresh()
        state = rows(z)
        alpha, precision = self._at(point, state, self._scales)
        data = self._on_device(state)[1]
        return (data[label] * alpha.mT + state / precision.sqrt().mT).to(z.dtype).view(z.shape)

    def moments(self, point: Level) -> tuple[Tensor, Tensor]:
        """Mean and covariance of p_t."""
        cov = self._away.mT @ self._away / len(self.data)
        eye = torch.eye(len(cov), dtype=torch.float64)
        return point.alpha * self.mean, point.alpha**2 * cov + self._noisy(point.alpha, point.sigma) * eye
