r"""The mixture and the particles of Huang, Huang & Lin's own table: Julia's random numbers, rebuilt.

Their notebook (PKU-CMEGroup/InverseProblems.jl, Diffusion/Gaussian-mixture-density.ipynb; Julia 1.9) says ``Random.seed!(123)`` and then draws
weights, means, five matrices W and 40,000 starts. Julia's generator is xoshiro256++ of Blackman & Vigna, seeded with the SHA-256 digest of
the seed; arrays of normals come from eight such generators side by side, whose states are drawn from the first, and the ziggurat of
Marsaglia & Tsang 2000 with 256 layers. With these the printed figures come out to five digits.
"""

from __future__ import annotations

import functools
import hashlib
import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from solvers_zoo import OU, Mixture
from zoo_lectures.quadrature import Array

Words = NDArray[np.uint64]

SEED, MODES, SIZE, PARTICLES = 123, 5, 128, 40_000
#: Odd numbers that the states of the eight generators are multiplied by.
_SPREAD = (0x02011CE34BCE797F, 0x5A94851FB48A6E05, 0x3688CF5D48899FA7, 0x867B4BB4C42E5661)
_LANES = 8
_MASK = (1 << 64) - 1
#: Right end of the ziggurat's base.
_R = 3.6541528853610088
_UNIT = 2.0**51


class Layers(NamedTuple):
    """The ziggurat: a draw j of 51 bits gives j * width, at once where j < sure; ``height`` is the density at each edge."""

    sure: NDArray[np.int64]
    width: Array
    height: Array


@functools.cache
def layers() -> Layers:
    """The 256 layers of equal area, from the outermost in."""
    area = _R * math.exp(-_R * _R / 2) + math.sqrt(math.pi / 2) * math.erfc(_R / math.sqrt(2))
    sure, width, height = [0] * 256, [0.0] * 256, [1.0] * 256
    edge = _R
    width[255], height[255] = edge / _UNIT, math.exp(-edge * edge / 2)
    sure[0], width[0] = int(edge * height[255] / area * _UNIT), area / height[255] / _UNIT
    for i in range(254, 0, -1):
        x = math.sqrt(-2 * math.log(area / edge + height[i + 1]))
        sure[i + 1], width[i], height[i] = int(x / edge * _UNIT), x / _UNIT, math.exp(-x * x / 2)
        edge = x
    return Layers(np.array(sure), np.array(width), np.array(height))


def _turned(words: Words, by: int) -> Words:
    """The bits of every word turned to the left."""
    return (words << np.uint64(by)) | (words >> np.uint64(64 - by))


def _step(state: Words) -> tuple[Words, Words]:
    """The next word of generators side by side, and their states (4, n) after it; sums are modulo 2^64."""
    s0, s1, s2, s3 = state
    s2, s3 = s2 ^ s0, s3 ^ s1
    after = np.stack((s0 ^ s3, s1 ^ s2, s2 ^ (s1 << np.uint64(17)), _turned(s3, 45)))
    return _turned(s0 + state[3], 23) + s0, after


class Xoshiro:
    """Julia's generator, ``Random.seed!(seed)``."""

    def __init__(self, seed: int) -> None:
        digest = hashlib.sha256(seed.to_bytes(4, "little")).digest()
        self.state: Words = np.frombuffer(digest, "<u8").reshape(4, 1)

    def word(self) -> int:
        """The next 64 bits."""
        word, self.state = _step(self.state)
        return int(word[0])

    def uniform(self) -> float:
        """In [0, 1), of 53 bits."""
        return (self.word() >> 11) * 2.0**-53

    def words(self, count: int, used: int) -> Words:
        """The first ``used`` of ``count`` words of an array; count is a multiple of eight."""
        assert count % _LANES == 0, "what is left over would come from this generator itself"
        state: Words = np.array([[c * self.word() & _MASK for _ in range(_LANES)] for c in _SPREAD], np.uint64)
        out = np.empty((-(-used // _LANES), _LANES), np.uint64)
        for row in out:
            row[:], state = _step(state)
        return out.reshape(-1)[:used]

    def normals(self, count: int, used: int | None = None) -> Array:
        """The first ``used`` of an array of ``count`` normals."""
        sure, width, _ = layers()
        bits = (self.words(count, used or count) >> np.uint64(12)).astype(np.int64)
        draw, layer = bits >> 1, (bits >> 1) & 255
        x = np.where(bits & 1, -draw, draw) * width[layer]
        for i in np.flatnonzero(draw >= sure[layer]).tolist():
            x[i] = self._rare(int(draw[i]), float(x[i]))
        return x

    def _rare(self, draw: int, x: float) -> float:
        """A draw outside the sure part of its layer: from the tail, from under the curve, or another one."""
        sure, width, height = layers()
        while True:
            layer = draw & 255
            if draw < sure[layer]:
                return x
            if layer == 0:
                while True:
                    beyond, y = -math.log(self.uniform()) / _R, -math.log(self.uniform())
                    if y + y > beyond * beyond:
                        return -_R - beyond if (draw >> 8) & 1 else _R + beyond
            if (height[layer - 1] - height[layer]) * self.uniform() + height[layer] < math.exp(-x * x / 2):
                return x
            bits = self.word() >> 12
            draw = bits >> 1
            x = float((-draw if bits & 1 else draw) * width[draw & 255])


def authors_problem(dim: int) -> tuple[Mixture, Tensor]:
    """Their mixture in ``dim`` of its 128 dimensions on the Ornstein-Uhlenbeck process, and their starts (40000, dim)."""
    julia = Xoshiro(SEED)
    weights = [julia.uniform() for _ in range(MODES)]
    means = 3 * julia.normals(MODES * SIZE).reshape(SIZE, MODES).T
    covs = np.empty((MODES, SIZE, SIZE))
    for k in range(MODES):
        W = julia.normals(SIZE * SIZE).reshape(SIZE, SIZE).T  # Julia's arrays run down the columns first
        covs[k] = (W.T @ W / SIZE + np.eye(SIZE)) / 8
    starts = julia.normals(PARTICLES * SIZE, PARTICLES * dim).reshape(dim, PARTICLES).T
    parts = (means[:, :dim], covs[:, :dim, :dim], starts)
    mean, cov, start = (torch.from_numpy(np.ascontiguousarray(part)) for part in parts)
    return Mixture(weights, mean, cov, OU()), start
