"""Distances between samples and a law. Batched: leading dimensions are independent sets of samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from solvers_zoo.exact.transport import Law

#: Directions of `sliced_w1`.
DIRECTIONS = 64


def relative_mean_error(x: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """|m' - m| / |m| of the sample mean m'; over sqrt(tr C) where the mean is zero.

    Args:
        x: samples (..., n, D).
        mean: of the law, (D,).
        cov: of the law, (D, D).

    """
    size, spread = mean.norm(), cov.trace().sqrt()
    return (x.mean(-2) - mean).norm(dim=-1) / (size if size > 1e-6 * spread else spread)


def relative_covariance_error(x: Tensor, cov: Tensor) -> Tensor:
    """|C' - C| / |C| in the Frobenius norm, of the unbiased sample covariance C' of x, (..., n, D) with n > 1."""
    away = x - x.mean(-2, keepdim=True)
    found = away.mT @ away / (x.shape[-2] - 1)
    return torch.linalg.matrix_norm(found - cov) / torch.linalg.matrix_norm(cov)


def sliced_w1(x: Tensor, y: Tensor) -> Tensor:
    """Mean over directions of the Wasserstein-1 distance between projections of x and y, both (..., n, D).

    The directions are fixed: evenly spread angles in the plane, else normals from a fixed seed.
    """
    directions = _directions(x.shape[-1]).to(x).mT
    # numpy's sort of contiguous rows is vectorised, and several times quicker than torch's on a CPU
    ranks = [torch.from_numpy(np.sort((directions @ z.mT).numpy(), axis=-1)) for z in (x, y)]
    return (ranks[0] - ranks[1]).abs().mean((-2, -1))


def _directions(size: int) -> Tensor:
    """Unit vectors in columns, (D, 1 if D = 1 else `DIRECTIONS`)."""
    if size == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    if size == 2:
        angles = torch.arange(DIRECTIONS, dtype=torch.float64) * (math.pi / DIRECTIONS)
        return torch.stack((angles.cos(), angles.sin()))
    normals = torch.randn(size, DIRECTIONS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return normals / normals.norm(dim=0)


def mode_weight_error(responsibilities: Tensor, weights: Tensor) -> Tensor:
    """Half the sum over modes of |mean responsibility - weight|, in [0, 1].

    Under the exact law the mean responsibility of a mode is its weight, however much the modes overlap.

    Args:
        responsibilities: (..., n, K).
        weights: (K,).

    """
    return (responsibilities.mean(-2) - weights).abs().sum(-1) / 2


def marginal_tv(
    x: Tensor, law: Law, *, low: float = -10.0, high: float = 10.0, bandwidth: float | None = None, cells: int = 1000
) -> Tensor:
    """Total variation between a kernel density estimate of x and a law on the line, as in Huang et al. 2024 (2404.09730).

    Half the integral of |estimate - density| over [low, high], in ``cells`` cells. The samples are first counted by cell,
    which blurs the estimate by a cell's width / sqrt(12).

    Args:
        x: samples, (n,).
        law: the exact law.
        low: left end.
        high: right end.
        bandwidth: of the Gaussian kernel; (4 / 3n)^(1/5) / 2, the authors', if None.
        cells: number of cells.

    """
    edges = torch.linspace(low, high, cells + 1, dtype=torch.float64)
    inside = ((x.double() - low) * (cells / (high - low))).floor().long()
    inside = inside[(inside >= 0) & (inside < cells)]
    counts = torch.bincount(inside, minlength=cells)[:cells]
    return tv_of_counts(counts.double(), len(x), law, edges, bandwidth)


def tv_of_counts(counts: Tensor, n: int, law: Law, edges: Tensor, bandwidth: float | None = None) -> Tensor:
    """`marginal_tv` from how many of ``n`` samples lie in each cell between ``edges``; counts (..., cells)."""
    width = float(edges[1] - edges[0])
    middle = (edges[1:] + edges[:-1]) / 2
    h = bandwidth if bandwidth is not None else (4 / (3 * n)) ** 0.2 / 2
    apart = (middle[:, None] - middle) / h
    kernel = (-apart * apart / 2).exp() / (h * math.sqrt(2 * math.pi))
    density = torch.from_numpy(law.log_pdf(middle.numpy())).exp()
    return (counts @ kernel / n - density).abs().sum(-1) * (width / 2)
