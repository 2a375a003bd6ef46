"""Distances that are means over pairs of samples: energy distance and maximum mean discrepancy, in U-form.

All are D = 2 E d(X, Y) - E d(X, X') - E d(Y, Y') of some d(x, y), a distance or minus a kernel, with means over pairs of
different samples: unbiased, so exact samples give 0 on average, and sometimes less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    Pairs = Callable[[Tensor, Tensor], Tensor]

#: Samples on a side of a tile of pairs, so that it stays in the processor's cache.
_TILE = 512

#: More samples than this are compared in single precision, twice as fast: the sums over pairs are double.
_MANY = 4096

#: Samples of each side behind a median distance.
_MEDIAN = 500


def distance(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|, (..., n, m)."""
    if x.shape[-1] == 1:
        return (x - y.mT).abs_()
    return squares(x, y).sqrt_()


def squares(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|^2, (..., n, m), by one matrix product."""
    one = x.new_ones(1)
    left = torch.cat((x, x.square().sum(-1, keepdim=True), one.expand(*x.shape[:-1], 1)), -1)
    right = torch.cat((-2 * y, one.expand(*y.shape[:-1], 1), y.square().sum(-1, keepdim=True)), -1)
    return (left @ right.mT).clamp_(min=0)


def gauss(width: float) -> Pairs:
    """-exp(-|x_i - y_j|^2 / 2 width^2)."""
    return lambda x, y: squares(x, y).mul_(-0.5 / width**2).exp_().neg_()


def cubic(x: Tensor, y: Tensor) -> Tensor:
    """-(<x_i, y_j> / F + 1)^3 of features (..., n, F)."""
    inner = (x @ y.mT).div_(x.shape[-1]).add_(1)
    return inner.pow_(3).neg_()


def discrepancy(x: Tensor, y: Tensor, of: Pairs) -> Tensor:
    """2 E d(X, Y) - E d(X, X') - E d(Y, Y'), of sets (..., n, F) and (..., m, F), n and m > 1."""
    if x.shape[-2] > _MANY:
        x, y = x.float(), y.float()
    n, m = x.shape[-2], y.shape[-2]
    within = _sum(x, x, of, True) / (n * (n - 1)) + _sum(y, y, of, True) / (m * (m - 1))
    return 2 * _sum(x, y, of) / (n * m) - within


def energy(x: Tensor, y: Tensor) -> Tensor:
    """The energy distance; on the line from sorted samples, in n log n."""
    if x.shape[-1] > 1:
        return discrepancy(x, y, distance)
    n, m = x.shape[-2], y.shape[-2]
    own, other, both = (_apart(z[..., 0]) for z in (x, y, torch.cat((x, y), -2)))
    return 2 * (both - own - other) / (n * m) - 2 * own / (n * (n - 1)) - 2 * other / (m * (m - 1))


def _apart(x: Tensor) -> Tensor:
    """Sum of |x_i - x_j| over pairs i < j."""
    n = x.shape[-1]
    ranks = torch.arange(1 - n, n, 2, dtype=torch.float64)
    return (x.sort(-1).values.double() * ranks).sum(-1)


def _sum(x: Tensor, y: Tensor, of: Pairs, within: bool = False) -> Tensor:
    """Sum of d over all pairs, or over those of different samples, in double precision."""
    total = torch.zeros(x.shape[:-2], dtype=torch.float64)
    for i, left in enumerate(torch.split(x, _TILE, -2)):
        for j, right in enumerate(torch.split(y, _TILE, -2)):
            if within and j < i:  # symmetric: the tile's mirror image counts twice
                continue
            tile = of(left, right)
            part = tile.sum((-2, -1), dtype=torch.float64)
            if within and j == i:
                part -= tile.diagonal(dim1=-2, dim2=-1).sum(-1, dtype=torch.float64)
            total += 2 * part if within and j > i else part
    return total


def permuted(rows: Tensor, n: int, times: int, of: Pairs) -> Tensor:
    """`discrepancy` of random halves of pooled rows (2n, F), (times,): all splits share one matrix of pairs.

    With s = +1 on one half and -1 on the other, s'Ks = S_xx + S_yy - 2 S_xy of the sums over ordered pairs, and the sum over
    all is S_xx + S_yy + 2 S_xy; both halves have n samples, so these two tell the figure.
    """
    pairs = of(rows.float(), rows.float())
    pairs.fill_diagonal_(0)
    generator = torch.Generator().manual_seed(1)
    signs = torch.ones(2 * n, times)
    for column in range(times):
        signs[torch.randperm(2 * n, generator=generator)[:n], column] = -1
    form = (signs * (pairs @ signs)).sum(0, dtype=torch.float64)
    total = pairs.sum(dtype=torch.float64)
    return (total - form) / 2 / n**2 - (total + form) / 2 / (n * (n - 1))


def median_distance(x: Tensor) -> float:
    """Median of |x_i - x_j| over pairs of different samples."""
    apart = distance(x, x)
    above = torch.ones_like(apart, dtype=torch.bool).triu_(1)
    return float(apart[above].median())


def width_of(x: Tensor, y: Tensor) -> float:
    """`median_distance` of samples and exact ones together, of the first `_MEDIAN` of each."""
    return median_distance(torch.cat((x[:_MEDIAN], y[:_MEDIAN])))
