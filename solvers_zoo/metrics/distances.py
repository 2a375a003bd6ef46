"""Distances between samples and a law. Batched: leading dimensions are independent sets of samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from solvers_zoo.exact.transport import Law

#: Directions of projections, where nobody asks for another number.
DIRECTIONS = 64


def relative_mean_error(x: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """|m' - m| / |m| of the sample mean m'; over sqrt(tr C) where the mean is zero.

    Args:
        x: samples (..., n, D).
        mean: of the law, (..., D).
        cov: of the law, (..., D, D).

    """
    return (x.mean(-2) - mean).norm(dim=-1) / mean_size(mean, cov)


def mean_size(mean: Tensor, cov: Tensor) -> Tensor:
    """|m|, or sqrt(tr C) where the mean is zero."""
    size, spread = mean.norm(dim=-1), cov.diagonal(dim1=-2, dim2=-1).sum(-1).sqrt()
    return torch.where(size > 1e-6 * spread, size, spread)


def covariance(x: Tensor) -> Tensor:
    """Unbiased sample covariance of (..., n, D), n > 1."""
    away = x - x.mean(-2, keepdim=True)
    return away.mT @ away / (x.shape[-2] - 1)


def relative_covariance_error(x: Tensor, cov: Tensor) -> Tensor:
    """|C' - C| / |C| in the Frobenius norm, of the unbiased sample covariance C' of x, (..., n, D) with n > 1."""
    return torch.linalg.matrix_norm(covariance(x) - cov) / torch.linalg.matrix_norm(cov)


def sliced_w1(x: Tensor, y: Tensor) -> Tensor:
    """Mean over directions of the Wasserstein-1 distance between projections of x and y, both (..., n, D)."""
    directions = directions_of(x.shape[-1]).to(x)
    return w1_of_ranks(ranked(x @ directions), ranked(y @ directions))


def ranked(x: Tensor) -> Tensor:
    """Columns of (..., n, M), each sorted, as rows (..., M, n)."""
    # numpy's sort of contiguous rows is vectorised, and several times quicker than torch's on a CPU
    return torch.from_numpy(np.sort(x.mT.contiguous().numpy(), axis=-1))


def w1_of_ranks(x: Tensor, y: Tensor) -> Tensor:
    """Mean over columns of the Wasserstein-1 distance, from sorted columns (..., M, n)."""
    return (x - y).abs_().mean((-2, -1))


def w2_of_ranks(x: Tensor, y: Tensor) -> Tensor:
    """Root of the mean over columns of the squared Wasserstein-2 distance, from sorted columns (..., M, n)."""
    return (x - y).square_().mean((-2, -1)).sqrt()


def worst_ks(levels: Tensor) -> Tensor:
    """Largest Kolmogorov-Smirnov statistic of D columns, from their distribution functions at the samples, sorted (..., D, n)."""
    n = levels.shape[-1]
    steps = torch.arange(n + 1, dtype=levels.dtype) / n
    above, below = (steps[1:] - levels).amax(-1), (levels - steps[:-1]).amax(-1)
    return torch.maximum(above, below).amax(-1)


def directions_of(size: int, count: int = DIRECTIONS) -> Tensor:
    """Fixed unit vectors in columns, (D, 1 if D = 1 else count): evenly spread in the plane, else from a fixed seed."""
    if size == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    if size == 2:
        angles = torch.arange(count, dtype=torch.float64) * (math.pi / count)
        return torch.stack((angles.cos(), angles.sin()))
    normals = torch.randn(size, count, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return normals / normals.norm(dim=0)


def two_sample_ks(x: Tensor, y: Tensor) -> Tensor:
    """Largest distance between the empirical distribution functions of x and y on the line, both (..., n, 1), without ties."""
    n = x.shape[-2]
    order = torch.cat((x[..., 0], y[..., 0]), -1).argsort(-1)
    return torch.where(order < n, 1.0, -1.0).cumsum(-1).abs_().amax(-1).to(x) / n


def frechet(x: Tensor, y: Tensor) -> Tensor:
    """Squared Frechet distance between the Gaussians of the moments of x and y, (..., n, F) and (..., m, F), n and m > 1.

    |m - m'|^2 + tr(C + C' - 2 (C C')^1/2), the root's trace from the eigenvalues of the symmetric C^1/2 C' C^1/2.
    """
    first, second = covariance(x), covariance(y)
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp(min=0).sqrt()[..., None, :]
    roots = torch.linalg.eigvalsh(root.mT @ second @ root).clamp(min=0).sqrt().sum(-1)
    traces = (first + second).diagonal(dim1=-2, dim2=-1).sum(-1)
    return (x.mean(-2) - y.mean(-2)).square().sum(-1) + traces - 2 * roots


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
    h = bandwidth if bandwidth is not None else (4 / (3 * len(x))) ** 0.2 / 2
    kernel, density = kernel_and_density(law, edges, h)
    return (counts.double() @ kernel / len(x) - density).abs().sum() * ((high - low) / cells / 2)


def kernel_and_density(law: Law, edges: Tensor, bandwidth: float) -> tuple[Tensor, Tensor]:
    """What a sample in one cell adds to the estimate in another, (cells, cells), and the density in the cells, (cells,)."""
    middle = (edges[1:] + edges[:-1]) / 2
    apart = (middle[:, None] - middle) / bandwidth
    kernel = (-apart * apart / 2).exp() / (bandwidth * math.sqrt(2 * math.pi))
    return kernel, torch.from_numpy(law.log_pdf(middle.numpy())).exp()
