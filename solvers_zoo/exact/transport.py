r"""The probability flow in one dimension, where it is the monotone map F_s^-1 o F_t between the laws at two times.

No solver is needed, and the numerical map of one can be judged without a single random number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp, ndtri_exp
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.score_models.gaussian import Gaussian
from solvers_zoo.score_models.kernel import KernelMixture
from solvers_zoo.score_models.mixture import Mixture

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint


Array = NDArray[np.float64]

_one = torch.ones(1, dtype=torch.float64)

#: Halvings of the bracket after which Newton's method has long converged.
_ROUNDS = 100


class _Levels(Protocol):
    """What a law is asked at: a point of a process, or anything else that has its two scales."""

    @property
    def alpha(self) -> Scalar: ...

    @property
    def sigma(self) -> Scalar: ...


class Law:
    """A mixture of normals on the line: distribution and quantiles through logarithms, good in both tails.

    Args:
        weights: (K,), summing to 1.
        means: (K,).
        stds: (K,), positive.

    """

    def __init__(self, weights: Array, means: Array, stds: Array) -> None:
        self.logs, self.means, self.stds = np.log(weights), means, stds

    @classmethod
    def of(cls, model: object, point: _Levels, direction: Tensor | None = None) -> Law:
        """The law of a one-dimensional analytic model at a point, or of <direction, X_t> in any dimension.

        Raises:
            IncompatibleError: the model is not a mixture of normals, or not one-dimensional and no direction is given.

        """
        if isinstance(model, Gaussian):
            weights, means, variances = _one, model.mean[None], model.variances[None]
            bases = None if model.basis is None else model.basis[None]
        elif isinstance(model, Mixture):
            weights, means, variances, bases = model.weights, model.means, model.variances, model.bases
        elif isinstance(model, KernelMixture):
            count = len(model.data)
            weights, means, bases = torch.full((count,), 1 / count, dtype=torch.float64), model.data, None
            variances = torch.full((count, 1), model.bandwidth**2, dtype=torch.float64)
        else:
            raise IncompatibleError(
                f"{type(model).__name__} has no distribution function; give a Gaussian or a mixture."
            )
        if direction is None:
            if means.shape[1] != 1:
                raise IncompatibleError(
                    f"Monotone transport is for one dimension, and this model has {means.shape[1]}; use `reference_flow`."
                )
            direction = _one
        squares = (
            (direction**2).expand(means.shape) if bases is None else torch.einsum("d,kde->ke", direction, bases) ** 2
        )
        along = (squares * variances).sum(1).numpy()
        stds = np.sqrt(point.alpha**2 * along + point.sigma**2 * float(direction @ direction))
        return cls(weights.numpy(), point.alpha * (means @ direction).numpy(), stds)

    def log_cdf(self, x: Array) -> Array:
        """log P(X <= x)."""
        return logsumexp(self.logs + log_ndtr((x[..., None] - self.means) / self.stds), axis=-1)

    def log_sf(self, x: Array) -> Array:
        """log P(X > x)."""
        return logsumexp(self.logs + log_ndtr((self.means - x[..., None]) / self.stds), axis=-1)

    def log_pdf(self, x: Array) -> Array:
        """Log density."""
        z = (x[..., None] - self.means) / self.stds
        return logsumexp(self.logs - np.log(self.stds * np.sqrt(2 * np.pi)) - z * z / 2, axis=-1)

    def mass(self, edges: Array) -> Array:
        """Probability of the cells between increasing ``edges``, from the side where it keeps its digits."""
        low, high = np.exp(self.log_cdf(edges)), np.exp(self.log_sf(edges))
        return np.where(low[1:] < high[1:], np.diff(low), -np.diff(high))

    def quantile(self, log_cdf: Array, log_sf: Array) -> Array:
        """The x of given log P(X <= x) and log P(X > x); the smaller of the two, which has the digits, is used."""
        out = np.empty_like(log_cdf)
        left = log_cdf <= log_sf
        out[left] = self._solve(log_cdf[left])
        mirror = Law(np.exp(self.logs), -self.means, self.stds)
        out[~left] = -mirror._solve(log_sf[~left])
        return out

    def _solve(self, target: Array) -> Array:
        """x with log_cdf(x) = target, by Newton's method kept in a bracket that halves where Newton does not help."""
        z = ndtri_exp(target)[:, None] * self.stds + self.means  # every component's own quantile
        low, high = z.min(1), z.max(1)
        x = (low + high) / 2
        for _ in range(_ROUNDS):
            log_cdf = self.log_cdf(x)
            gap = log_cdf - target
            low, high = np.where(gap <= 0, x, low), np.where(gap >= 0, x, high)
            with np.errstate(over="ignore", invalid="ignore"):
                newton = x - gap * np.exp(log_cdf - self.log_pdf(x))
            inside = (newton > low) & (newton < high)
            following = np.where(inside, newton, (low + high) / 2)
            following = np.where(gap == 0, x, following)
            if np.all(np.abs(following - x) <= 4e-16 * np.abs(x)):
                break
            x = following
        return x


def has_distribution(model: object) -> bool:
    """Whether `Law.of` knows the distribution functions of a model's coordinates."""
    return isinstance(model, Gaussian | Mixture | KernelMixture)


def transport(model: object, x: Tensor, point_from: GaussianPoint, point_to: GaussianPoint) -> Tensor:
    """The exact probability flow of a one-dimensional mixture, either way in time.

    Good to 1e-12 relative wherever the flow itself is well conditioned; between far modes, where a density of 1e-20 is
    stretched, an ulp of x decides.

    Args:
        model: a Gaussian, mixture or kernel mixture of one coordinate.
        x: states at ``point_from``, (B, 1) or any shape of one coordinate a sample.
        point_from: a point of its process, with float fields.
        point_to: another.

    Returns:
        The states at ``point_to``, of x's shape and dtype; computed in float64.

    Raises:
        IncompatibleError: more than one dimension, or a model without a distribution function.

    """
    before, after = Law.of(model, point_from), Law.of(model, point_to)
    state = x.detach().double().cpu().numpy().reshape(-1)
    moved = after.quantile(before.log_cdf(state), before.log_sf(state))
    return torch.from_numpy(moved).to(x.device, x.dtype).view(x.shape)


def is_monotone(x: Tensor, y: Tensor) -> bool:
    """Whether the map x -> y of points on the line is strictly increasing; a numerical flow that folds is not."""
    x, y = x.reshape(-1), y.reshape(-1)
    return bool((y[x.argsort()].diff() > 0).all())


class TransportDistance(NamedTuple):
    """How far the image of a law under a numerical map is from the exact law."""

    tv: float
    """Total variation, in [0, 1]; NaN if the map folds."""
    kl: float
    """KL(image || exact) in nats; NaN if the map folds."""
    folds: int
    """Neighbouring cell edges that the map swapped."""

    @property
    def monotone(self) -> bool:
        """Whether the map keeps the order of points; otherwise the distances are not those of its image."""
        return self.folds == 0


def transport_distance(
    model: object,
    push: Callable[[Tensor], Tensor],
    point_from: GaussianPoint,
    point_to: GaussianPoint,
    *,
    prior_std: float | None = None,
    cells: int = 20_000,
) -> TransportDistance:
    """Exact distance between the image of the start under a numerical map and the law at ``point_to``; no sampling.

    The edges of cells of equal mass under the start are pushed through the map. A cell's mass dP under the image is what
    it was; under the exact law it is dQ = F(y_i+1) - F(y_i). TV = 1/2 sum |dP - dQ| and KL = sum dP log(dP / dQ), to about
    1e-6 of truncation at 20000 cells.

    Args:
        model: a Gaussian, mixture or kernel mixture of one coordinate.
        push: the numerical map, from states (cells - 1, 1) at ``point_from`` to states at ``point_to``, float64.
        point_from: where the map starts.
        point_to: where it ends.
        prior_std: start from N(0, prior_std^2); from the exact law at ``point_from`` if None.
        cells: number of cells.

    """
    mass = np.arange(1, cells) / cells
    start = Law.of(model, point_from) if prior_std is None else Law(np.ones(1), np.zeros(1), np.array([prior_std]))
    edges = start.quantile(np.log(mass), np.log(mass[::-1]))
    image = push(torch.from_numpy(edges)[:, None]).double().cpu().numpy().reshape(-1)
    folds = int((np.diff(image) <= 0).sum())
    if folds:
        return TransportDistance(float("nan"), float("nan"), folds)
    dP = 1 / cells
    dQ = Law.of(model, point_to).mass(np.concatenate(([-np.inf], image, [np.inf])))
    with np.errstate(divide="ignore"):
        kl = float(np.sum(dP * (np.log(dP) - np.log(dQ))))
    return TransportDistance(float(0.5 * np.abs(dP - dQ).sum()), kl, 0)
