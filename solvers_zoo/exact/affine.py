"""A run that is affine in start and noise, as the matrices that it is: the law of its result without a random number.

On a Gaussian target every prediction is affine in the state, so a solver whose steps are affine gives

    x_N = A x_0 + b + sum_k C_k z_k,   z_k the draws of the run, N(0, I) each,

and unit starts and unit draws, all in one batch, show A, b and every C_k.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.noise.base import Noise
from solvers_zoo.noise.probe import ProbeNoise

#: Most numbers in the batch of unit inputs.
_MOST = 2**26


class AffineMap(NamedTuple):
    """x_N = A x_0 + b + sum_k C_k z_k for samples of D coordinates."""

    A: Tensor
    """(D, D)."""
    b: Tensor
    """(D,)."""
    C: Tensor
    """(K, D, D)."""

    def law(self, mean: Tensor, cov: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (D,) and covariance (D, D) of the result of a start of these moments."""
        return self.A @ mean + self.b, self.A @ cov @ self.A.mT + (self.C @ self.C.mT).sum(0)


class _UnitNoise(ProbeNoise):
    """Draw k is 1 in coordinate j of sample 1 + D + kD + j, and 0 everywhere else."""

    def value(self, address: tuple[int, int]) -> Tensor:
        row, size = self.addresses[address], self.like[0].numel()
        z = torch.zeros_like(self.like)
        first = 1 + size + row * size
        z[first : first + size] = torch.eye(size, dtype=z.dtype).view(size, *z.shape[1:])
        return z


def affine_map(run: Callable[[Tensor, Noise], Tensor], shape: Sequence[int]) -> AffineMap:
    """The matrices of a run that is affine in start and noise (which is not checked).

    Args:
        run: from starts (B, *shape), float64, and a noise to results (B, *shape); each sample by itself.
        shape: of a sample.

    Raises:
        IncompatibleError: the run draws uniforms, or so many numbers that probing them all takes too much memory.

    """
    counting = ProbeNoise(torch.zeros(1, *shape, dtype=torch.float64))
    run(counting.like, counting)
    size, draws = counting.like.numel(), len(counting.addresses)
    rows = 1 + size + draws * size
    if counting.uniforms:
        raise IncompatibleError("The run draws uniform numbers, so it is not affine in its noise.")
    if rows * size > _MOST:
        raise IncompatibleError(
            f"Probing {draws} draws of {size} coordinates takes {rows * size:,} numbers, more than {_MOST:,}; take fewer steps."
        )
    x = torch.zeros(rows, *shape, dtype=torch.float64)
    x.view(rows, size)[1 : 1 + size] = torch.eye(size, dtype=torch.float64)
    ends = run(x, _UnitNoise(x, None, counting.addresses)).reshape(rows, size)
    b = ends[0]
    A, *C = (ends[1:] - b).view(draws + 1, size, size).mT
    return AffineMap(A, b, torch.stack(C) if C else torch.zeros(0, size, size, dtype=torch.float64))
