r"""A Brownian path that can be asked anywhere: nothing of it is stored, every value has an address.

The path on [0, 1] is a binary tree of intervals. An interval [a, a + D] is known by its increment W and its space-time
Levy area H (the mean of the path minus its chord: N(0, D/12), independent of W). Its halves follow from two fresh
normals X, Y, addressed by its place in the tree:

    W_1 = W/2 + C,   W_2 = W/2 - C,     C = 3/2 H + sqrt(D)/4 X
    H_1 = M + T,     H_2 = M - T,       M = H/4 - sqrt(D)/8 X,   T = sqrt(D/48) Y

which is the law of a Brownian path given (W, H) (Foster, Lyons & Oberhauser 2020, 1905.13035, theorem 3.7). In a leaf
the increment w from a to the fraction th, and its integral j, are, with q = th (1 - th),

    w = th W + 6 q H + sqrt(D) sqrt(q (1 - 3q)) X
    j = D (th^2/2 W + th^2 (3 - 2 th) H) + D^(3/2) r ((1 - 2 th)/2 X + Y/sqrt(12)),   r = sqrt(q^3 / (1 - 3q))

so the law of every value, and the joint law of values in different leaves, is exact; only within one leaf does the path
look smooth. The first pair of formulas is the second at th = 1/2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from solvers_zoo.errors import DomainError
from solvers_zoo.noise.base import Path
from solvers_zoo.noise.numbers import TREE, SeededNumbers
from solvers_zoo.numerics.combine import combine
from solvers_zoo.numerics.scalar import sqrt

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar

#: Leaves of a path whose resolution is not given, and the most there may be.
_LEAVES, _MOST = 2**12, 2**40


class _Node(NamedTuple):
    """An interval [a, a + D] of the tree, B(a), the integral S of B from 0 to a, and the interval's own W and H."""

    a: Scalar
    D: float
    place: int | Tensor
    B: Tensor
    S: Tensor
    W: Tensor
    H: Tensor


class BrownianPath(Path):
    """One Brownian path B a sample, with B(low) = 0, in any clock u of [low, high].

    Values depend on the seed, the sample's number, low, high and resolution, and on nothing else: not on the batch, nor
    on what was asked before. Asked in order, a value costs about log2(step / resolution) splits of two normals each, as
    the branch last walked is kept: some three float64 states a level of the tree.

    Args:
        noise: the seed, the samples, their shape and dtype.
        low: where the path starts.
        high: where it ends.
        resolution: length below which it may look smooth; the range / 4096 if not given. Steps shorter than this see
            increments of the right variance that are not independent.

    Raises:
        DomainError: an empty range, a resolution out of range, or a value asked outside [low, high].

    >>> import solvers_zoo as zoo
    >>> path = zoo.BrownianPath(zoo.SeededNoise(0, range(3), (2,)), 0.0, 1.0)
    >>> path.increment(0.25, 0.5).shape
    torch.Size([3, 2])

    """

    def __init__(self, noise: SeededNumbers, low: float, high: float, resolution: float | None = None) -> None:
        self.noise, self.low, self.high = noise, float(low), float(high)
        if not (self.low < self.high and math.isfinite(self.high - self.low)):
            raise DomainError(f"A Brownian path needs a finite range low < high, not [{low:g}, {high:g}].")
        self.resolution = (self.high - self.low) / _LEAVES if resolution is None else float(resolution)
        if not (self.high - self.low) / _MOST <= self.resolution < math.inf:
            raise DomainError(
                f"resolution = {self.resolution:g} is not possible on [{low:g}, {high:g}]; "
                f"it takes at least {(self.high - self.low) / _MOST:g}."
            )
        self._depth = max(0, math.ceil(math.log2((self.high - self.low) / self.resolution)))
        self._branch: list[_Node] = []

    def value(self, u: Scalar) -> Tensor:
        """B(u), (B, *shape): u a float, or a tensor (B, 1, ...) with a clock of its own for each sample."""
        return self._scaled(self._at(self._unit(u))[0])

    def increment(self, a: Scalar, b: Scalar, area: bool = False) -> Any:
        """B(b) - B(a), of variance |b - a|; a and b floats or tensors (B, 1, ...), in either order.

        Args:
            a: from where.
            b: to where.
            area: also give the space-time Levy area H ~ N(0, |b - a|/12) of the interval, independent of W: the mean
                over the interval of the path minus its chord, the same in either direction.

        Returns:
            W, or (W, H). Increments add up, and areas obey Chen's relation, to the rounding of float64.

        """
        a, b = self._unit(a), self._unit(b)
        (B0, S0), (B1, S1) = self._at(a), self._at(b)
        W = self._scaled(B1 - B0)
        if not area:
            return W
        length = (b - a) + (a == b)  # where it is empty, S1 - S0 = 0 and the chord is B itself
        return W, self._scaled(combine((1.0 / length, S1 - S0), (-0.5, B0), (-0.5, B1), (1.0 * (a == b), B0)))

    def _unit(self, u: Scalar) -> Scalar:
        """The clock as a fraction of the range: places of the tree are exact there."""
        u = float(u) if not isinstance(u, Tensor) or u.dim() == 0 else u.double()
        inside = (u >= self.low) & (u <= self.high)
        if not (bool(inside.all()) if isinstance(inside, Tensor) else inside):
            what = f"{u:g}" if isinstance(u, float) else "a sample's clock"
            raise DomainError(f"The Brownian path runs over [{self.low:g}, {self.high:g}]; {what} lies outside.")
        return (u - self.low) / (self.high - self.low)

    def _scaled(self, y: Tensor) -> Tensor:
        return (y * math.sqrt(self.high - self.low)).to(self.noise.dtype)

    def _at(self, u: Scalar) -> tuple[Tensor, Tensor]:
        """B and its integral at ``u``."""
        if isinstance(u, float):
            return self._inside(self._leaf(u), u)
        node = self._root()._replace(a=torch.zeros_like(u))
        for _ in range(self._depth):
            node = self._half(node, u)
        return self._inside(node, u)

    def _leaf(self, u: float) -> _Node:
        """The leaf that holds ``u``, or an interval that starts there: going further would not change B(u)."""
        branch = self._branch
        while branch and not branch[-1].a <= u < branch[-1].a + branch[-1].D:
            branch.pop()
        if not branch:
            branch.append(self._root())
        while len(branch) <= self._depth and branch[-1].a != u:
            branch.append(self._half(branch[-1], u))
        return branch[-1]

    def _root(self) -> _Node:
        W, H = self._normals(0)
        zero = torch.zeros_like(W)
        return _Node(0.0, 1.0, 1, zero, zero, W, H * 12**-0.5)

    def _half(self, node: _Node, u: Scalar) -> _Node:
        """The half of ``node`` in which ``u`` lies."""
        a, D, place, B, S, W, H = node
        X, Y = self._normals(place)
        root, half = math.sqrt(D), D / 2
        C, M, T = combine((1.5, H), (root / 4, X)), combine((0.25, H), (-root / 8, X)), Y.mul_(root / 48**0.5)
        right = u >= a + half
        if right is False:
            return _Node(a, half, 2 * place, B, S, C.add_(W, alpha=0.5), M.add_(T))
        W1, H1 = combine((1.0, C), (0.5, W)), M + T
        B1, S1 = B + W1, combine((1.0, S), (half, B), (half, H1), (half / 2, W1))
        W2, H2 = W - W1, M.sub_(T)
        if right is True:
            return _Node(a + half, half, 2 * place + 1, B1, S1, W2, H2)
        pick = torch.where
        a, place = a + half * right, 2 * place + right.reshape(len(right), 1)
        return _Node(a, half, place, pick(right, B1, B), pick(right, S1, S), pick(right, W2, W1), pick(right, H2, H1))

    def _inside(self, node: _Node, u: Scalar) -> tuple[Tensor, Tensor]:
        """B and its integral at ``u``, which lies in ``node``."""
        a, D, place, B, S, W, H = node
        if isinstance(u, float) and u == a:
            return B, S
        th = (u - a) / D
        q = th * (1 - th)
        bend, r = sqrt(D * q * (1 - 3 * q)), sqrt(q**3 / (1 - 3 * q)) * D**1.5
        X, Y = self._normals(place)
        w = combine((th, W), (6 * q, H), (bend, X))
        j = ((D * th**2 / 2, W), (D * th**2 * (3 - 2 * th), H), (r * (0.5 - th), X), (r * 12**-0.5, Y))
        return w.add_(B), combine((1.0, S), (th * D, B), *j)

    def _normals(self, place: int | Tensor) -> tuple[Tensor, Tensor]:
        """X and Y of a place in the tree."""
        X, Y = self.noise.normals(TREE, place, 2).unbind(1)
        return X, Y
