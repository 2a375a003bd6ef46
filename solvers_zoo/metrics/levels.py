"""Single coordinates of a law: distribution functions at samples, and density estimates beside the density."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

from solvers_zoo.exact.transport import Law
from solvers_zoo.metrics.distances import kernel_and_density
from solvers_zoo.metrics.reference import FIGURES, SEED

if TYPE_CHECKING:
    from solvers_zoo.metrics.reference import Reference

Array = np.ndarray[Any, Any]

#: Evaluations of a normal distribution function that are cheap enough; else a table is made of `_TABLE` entries a coordinate.
_CHEAP, _TABLE = 2**25, 2**13


def levels(reference: Reference, x: Tensor) -> Tensor:
    """F_j(x_ij) of the exact laws of all coordinates, (n, D)."""
    values = x.double().numpy()
    return torch.from_numpy(np.stack([_level(reference, axis, column) for axis, column in enumerate(values.T)], 1))


def _level(reference: Reference, axis: int, x: Array) -> Array:
    weights, means, stds = _components(reference, axis)
    if len(x) * len(weights) * len(reference.mean) <= _CHEAP:
        return _cdf(x, weights, means, stds)
    points, table = _tabled(reference, axis)
    level: Array = np.interp(x, points, table)
    return level


def _cdf(x: Array, weights: Array, means: Array, stds: Array) -> Array:
    total = np.zeros_like(x)
    for part in np.array_split(np.arange(len(weights)), -(-len(x) * len(weights) // 2**20)):
        total += ndtr((x[:, None] - means[part]) / stds[part]) @ weights[part]
    return total


@functools.lru_cache(maxsize=1024)
def _components(reference: Reference, axis: int) -> tuple[Array, Array, Array]:
    """Weights, means and deviations of a coordinate's normals; equal ones, as pixels have many, are one."""
    law = line(reference, axis)
    both, where = np.unique(np.stack((law.means, law.stds), 1), axis=0, return_inverse=True)
    return np.bincount(where.reshape(-1), np.exp(law.logs)), both[:, 0], both[:, 1]


@functools.lru_cache(maxsize=1024)
def _tabled(reference: Reference, axis: int) -> tuple[Array, Array]:
    weights, means, stds = _components(reference, axis)
    points = np.linspace((means - 7 * stds).min(), (means + 7 * stds).max(), _TABLE)
    return points, _cdf(points, weights, means, stds)


def line(reference: Reference, axis: int) -> Law:
    """The law of one coordinate."""
    direction = torch.zeros(len(reference.mean), dtype=torch.float64)
    direction[axis] = 1
    return Law.of(reference.law, reference.point, direction)


@dataclass(frozen=True, eq=False)
class Density:
    """A coordinate's density in cells, and the estimates that n samples make of it.

    Attributes:
        law: of the coordinate.
        edges: of the cells, (cells + 1,), evenly spread.
        bandwidth: of the kernel.
        n: samples.

    """

    law: Law
    edges: Tensor
    bandwidth: float
    n: int

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def of(reference: Reference, axis: int, n: int) -> Density:
        """Cells over the mean +- 4 standard deviations, and a bandwidth in proportion; the same object for the same question."""
        center, std = float(reference.mean[axis]), float(reference.cov[axis, axis].sqrt())
        edges = torch.linspace(center - 4 * std, center + 4 * std, 1001, dtype=torch.float64)
        return Density(line(reference, axis), edges, std / 6 * (4 / (3 * n)) ** 0.2, n)

    def distance(self, x: Tensor) -> Tensor:
        """Total variation between the estimate from samples (n,) and the density."""
        counts = torch.from_numpy(np.histogram(x.numpy(), self.edges.numpy())[0])
        return self._tv(counts)

    @functools.cached_property
    def shown(self) -> Tensor:
        """What sets of n exact samples show, (FIGURES,): their counts in the cells are multinomial."""
        masses = np.clip(self.law.mass(self.edges.numpy()), 0, None)
        chances = np.append(masses, max(0.0, 1 - masses.sum()))
        sets = np.random.default_rng([SEED, self.n]).multinomial(self.n, chances / chances.sum(), FIGURES)[:, :-1]
        return self._tv(torch.from_numpy(sets))

    @functools.cached_property
    def _cells(self) -> tuple[Tensor, Tensor]:
        return kernel_and_density(self.law, self.edges, self.bandwidth)

    def _tv(self, counts: Tensor) -> Tensor:
        kernel, density = self._cells
        return (counts.double() @ kernel / self.n - density).abs().sum(-1) * float(self.edges[1] - self.edges[0]) / 2
