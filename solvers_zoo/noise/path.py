"""Noise whose diffusion increments come from one Brownian path, so that every number of steps sees the same path.

The clock is the half log-SNR lam of the points, or t on processes without one. An interval that starts or ends at
lam = -inf, where alpha = 0, gets the same numbers however far it reaches: that is the limit, for all its variance lies
at its infinite end.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo.errors import DomainError
from solvers_zoo.noise.base import Draws, Noise, Path
from solvers_zoo.noise.numbers import FINE
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.numerics.scalar import absolute

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import Point

#: The clock that a `PathNoise` covers; e^64 is far beyond any ratio of signal to noise that means anything.
_REACH = 64.0
_AREA = 12**-0.5


def clock(point: Point) -> Scalar:
    """The half log-SNR of a point, or its t where there is none."""
    lam = getattr(point, "lam", None)
    return point.t if lam is None else lam


class _OnPath(Noise):
    """`between` from a path; everything else from the seed."""

    def __init__(self, noise: SeededNoise) -> None:
        self.noise = noise

    def at(self, index: int) -> Draws:
        """The draws of step ``index``."""
        return _PathDraws(self, self.noise.at(index))

    def path(self, low: float, high: float, resolution: float | None = None) -> Path:
        """The seed's Brownian path on [low, high], in any clock."""
        return self.noise.path(low, high, resolution)

    @abstractmethod
    def increment(self, a: Scalar, b: Scalar, area: bool) -> tuple[Tensor, Tensor | None]:
        """W of the path from clock ``a`` to ``b`` in units of its standard deviation, and H if ``area``."""

    def _own(self, number: int, call: int) -> Tensor:
        """N(0, I) of an interval of the declared grid: W (call 0), or H in units of its standard deviation (call 1)."""
        return self.noise.normal(FINE, number, call)


class PathNoise(_OnPath):
    """Increments of a Brownian path that can be asked between any times, those of each sample's own included.

    Nothing is stored but the branch of the tree last walked. A step costs about 2 log2(step / resolution) normals; where
    all times are known beforehand, `GridNoise` costs one.

    Args:
        noise: the seed, the samples, their shape and dtype.
        resolution: the smallest step in lam whose increments need to be independent of their neighbours'.

    >>> import solvers_zoo as zoo
    >>> model = zoo.FunctionModel(lambda x, t: 0 * x, sde=zoo.EDM(), prediction="x0", shape=(2,))
    >>> zoo.sample(model, "ddim:eta=1", steps=4, n=3, brownian="path").x.shape
    torch.Size([3, 2])

    """

    def __init__(self, noise: SeededNoise, resolution: float = 2.0**-10) -> None:
        super().__init__(noise)
        self._path = noise.path(-_REACH, _REACH, resolution)

    def increment(self, a: Scalar, b: Scalar, area: bool) -> tuple[Tensor, Tensor | None]:
        """Of the tree; an empty interval gives zeros."""
        if any(isinstance(u, float) and math.isinf(u) for u in (a, b)):
            sign = 1.0 if a < b else -1.0
            return sign * self._own(0, 0), self._own(0, 1) * _AREA if area else None
        W, H = self._path.increment(a, b, area=True) if area else (self._path.increment(a, b), None)
        length = absolute(b - a)
        unit = (length + (length == 0)) ** -0.5
        unit = unit.to(W.dtype) if isinstance(unit, Tensor) else unit
        return W * unit, None if H is None else H * unit


class GridNoise(_OnPath):
    """Increments over a declared finest grid, and their sums over any coarser grid nested in it.

    The path of the finest grid costs what plain noise costs; that of a grid k times coarser k times as much a step.

    Args:
        noise: the seed, the samples, their shape and dtype.
        points: the points of the finest grid: a `Grid`, or any sequence of points.

    Raises:
        DomainError: fewer than two points, or (from a step) a time that is not on the grid.

    """

    def __init__(self, noise: SeededNoise, points: Sequence[Any]) -> None:
        super().__init__(noise)
        clocks = sorted(float(clock(point)) for point in points)
        if len(clocks) < 2:
            raise DomainError(f"A finest grid needs at least two times, got {len(clocks)}.")
        self._clocks = clocks
        self._lengths = [b - a for a, b in pairwise(clocks)]

    def increment(self, a: Scalar, b: Scalar, area: bool) -> tuple[Tensor, Tensor | None]:
        """The sum over the intervals of the finest grid between them."""
        i, j = sorted((self._find(a), self._find(b)))
        if i == j:
            raise DomainError("An increment over an empty interval was asked for.")
        sign = 1.0 if a < b else -1.0
        if j == i + 1 or math.isinf(self._lengths[i]):
            return sign * self._own(i, 0), self._own(i, 1) * _AREA if area else None
        lengths = self._lengths[i:j]
        whole = math.fsum(lengths)
        first = self._own(i, 0)
        W = torch.zeros_like(first, dtype=torch.promote_types(first.dtype, torch.float32))
        mean = torch.zeros_like(W)  # over the interval, of the path from its start
        for k, length in enumerate(lengths, i):
            own = first if k == i else self._own(k, 0)
            if area:
                share, root = length / whole, math.sqrt(length)
                mean.add_(W, alpha=share).add_(own, alpha=share * root / 2)
                mean.add_(self._own(k, 1), alpha=share * root * _AREA)
            W.add_(own, alpha=math.sqrt(length))
        unit = whole**-0.5
        H = mean.sub_(W, alpha=0.5).mul_(unit).to(first.dtype) if area else None
        return W.mul_(sign * unit).to(first.dtype), H

    def _find(self, u: Scalar) -> int:
        """The place of clock ``u``, which may be a rounding away."""
        if isinstance(u, Tensor):
            raise DomainError("A declared grid serves one time for all samples; take PathNoise (brownian='path').")
        after = bisect_left(self._clocks, u)
        for i in (after, after - 1):
            if 0 <= i < len(self._clocks) and math.isclose(u, self._clocks[i], rel_tol=1e-9, abs_tol=1e-9):
                return i
        raise DomainError(
            f"The time with half log-SNR {u:.9g} is not on the finest grid declared; take a grid that is nested in it, "
            "or PathNoise (brownian='path') for any times."
        )


class _PathDraws(Draws):
    """The draws of one step."""

    __slots__ = ("_draws", "_path")

    def __init__(self, path: _OnPath, draws: Draws) -> None:
        self._path, self._draws = path, draws

    def fresh(self) -> Tensor:
        """N(0, I), from the seed."""
        return self._draws.fresh()

    def between(self, t: Point, s: Point, area: bool = False) -> Any:
        """The path's increment: asked again for the same points, the same."""
        W, H = self._path.increment(clock(t), clock(s), area)
        return (W, H) if area else W

    def uniform(self) -> Tensor:
        """Uniforms, (B,)."""
        return self._draws.uniform()
