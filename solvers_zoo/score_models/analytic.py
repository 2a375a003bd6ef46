"""Models whose law is known exactly at every time, and the arithmetic that they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.score_models.base import ScoreModel

if TYPE_CHECKING:
    from typing import Self

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianSDE

#: Numbers in one block of work, so that a block's temporaries stay in the processor's cache.
BLOCK = 2**17

#: Tables kept for points seen before; when as many are there, all are dropped.
KEPT_POINTS = 512


class Level(Protocol):
    """A level of noise: a point of a process, or anything else with alpha and sigma."""

    @property
    def alpha(self) -> Scalar:
        """Factor of the data."""

    @property
    def sigma(self) -> Scalar:
        """Standard deviation of the noise."""


class AnalyticModel(ScoreModel):
    """A score model with exact density, moments and samples at every point of its process.

    Parameters are kept in float64, and what a call needs at a point is worked out in float64 and then rounded, so float32
    predictions are as good as a float32 state allows. A state of less than 32 bits is computed with in float32. The
    prediction is native x0, which is finite where alpha = 0. Instances are immutable and may be shared between threads.

    Args:
        shape: shape of one sample.
        sde: the process.

    """

    sde: GaussianSDE
    shape: tuple[int, ...]
    kind = "x0"

    def __init__(self, shape: tuple[int, ...], sde: GaussianSDE) -> None:
        self.shape, self.sde = shape, sde
        self._tables: dict[tuple[object, ...], tuple[Tensor, ...]] = {}

    @property
    def analytic(self) -> AnalyticModel:
        """Itself."""
        return self

    @abstractmethod
    def log_density(self, x: Tensor, point: Level) -> Tensor:
        """log p_t(x), shape (B,), in nats."""

    @abstractmethod
    def draw(self, point: Level, draws: Draws) -> Tensor:
        """Exact samples of p_t, one for each sample that ``draws`` serves: (B, *shape)."""

    @abstractmethod
    def moments(self, point: Level) -> tuple[Tensor, Tensor]:
        """Mean (D,) and covariance (D, D) of p_t, float64; D is the number of coordinates of a sample."""

    def on(self, sde: GaussianSDE) -> Self:
        """The same data under another process."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, sde=sde, _tables={})
        return other

    def _at(
        self, point: Level, like: Tensor, make: Callable[[Scalar, Scalar], tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        """The tensors ``make(alpha, sigma)`` at ``point`` in the dtype and on the device of ``like``.

        Alpha and sigma are floats, and the tables are then kept for the next call there, or float64 vectors (B,) in
        per-sample stepping.
        """
        alpha, sigma = point.alpha, point.sigma
        if not isinstance(alpha, float) or not isinstance(sigma, float):
            alpha, sigma = (torch.as_tensor(c, dtype=torch.float64).cpu().reshape(-1) for c in (alpha, sigma))
            return tuple(table.to(like.device, like.dtype) for table in make(alpha, sigma))
        key = (make.__name__, alpha, sigma, like.dtype, like.device)
        tables = self._tables.get(key)
        if tables is None:
            tables = tuple(table.to(like.device, like.dtype) for table in make(alpha, sigma))
            if len(self._tables) >= KEPT_POINTS:
                self._tables.clear()
            self._tables[key] = tables
        return tables


def rows(x: Tensor) -> Tensor:
    """The state as (B, D) in a dtype of at least 32 bits."""
    x = x if x.dim() == 2 else x.reshape(x.shape[0], -1)
    return x if x.dtype.itemsize >= 4 else x.float()


def blocks(total: int, width: int) -> Iterator[slice]:
    """Slices of range(total) such that a slice times ``width`` numbers makes about one `BLOCK`."""
    size = max(64, BLOCK // max(width, 1))
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def columns(table: Tensor, block: slice) -> Tensor:
    """The part of a table that belongs to a block of samples; tables of one column serve all."""
    return table if table.shape[-1] == 1 else table[..., block]


def fold(y: Tensor) -> Tensor:
    """Sum over dimension 0 by adding halves.

    Elementwise, so that an entry's sum does not depend on how many entries stand beside it (`torch.sum` over an outer
    dimension adds in another order in the last few columns), and with the error of pairwise summation.
    """
    n = y.shape[0]
    while n > 2:
        half = n // 2
        head = y[:half] + y[half : 2 * half]
        if n % 2:
            head[0] += y[-1]
        y, n = head, half
    return y[0] + y[1] if n == 2 else y[0]


def tensor64(name: str, values: object) -> Tensor:
    """``values`` as a float64 tensor on the CPU, detached; `OptionError` if they are not finite numbers."""
    try:
        table = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise OptionError(f"{name} is not an array of numbers: {error}.") from error
    if not torch.isfinite(table).all():
        raise OptionError(f"{name} has entries that are not finite.")
    return table


def eigenbasis(name: str, covs: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (..., D) and eigenvectors in columns (..., D, D) of symmetric positive semi-definite matrices.

    Raises:
        OptionError: a matrix that is not a covariance.

    """
    if not torch.allclose(covs, covs.mT, rtol=1e-10, atol=1e-12 * float(covs.abs().max())):
        raise OptionError(f"{name} is not symmetric, so it is no covariance.")
    values, vectors = torch.linalg.eigh(covs)
    if bool((values < -1e-10 * values.abs().amax(-1, keepdim=True)).any()):
        raise OptionError(f"{name} has a negative eigenvalue ({float(values.min()):.3g}), so it is no covariance.")
    return values.clamp(min=0), vectors
