"""Noise made from a seed, in which every number has an address: (seed, stream, sample, step, call).

Sample i's noise depends on the seed and on i, never on the batch it is computed in, so it is the same alone, chunked,
sharded or resumed. Words become normals by Box-Muller in float64, rounded to float32, then cast to the run's dtype.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.noise.base import Draws, Noise
from solvers_zoo.noise.philox import philox

#: Streams of a seed: numbers of different streams are unrelated.
START, STEPS, DATA, PATH = range(4)


class SeededNoise(Noise):
    """Independent increments from a seed.

    Args:
        seed: any integer; 64 bits of it are used.
        samples: the numbers of the samples of this batch.
        shape: shape of one sample.
        dtype: of the numbers handed out.
        device: where they are made.

    """

    def __init__(
        self,
        seed: int,
        samples: Sequence[int],
        shape: Sequence[int],
        dtype: torch.dtype = torch.float32,
        device: Any = "cpu",
    ) -> None:
        self.seed, self.samples, self.shape = seed, samples, tuple(shape)
        self.dtype, self.device = dtype, torch.device(device)
        self._key = (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
        self._rows = torch.as_tensor(list(samples), dtype=torch.int64, device=self.device)[:, None]

    def at(self, index: int) -> Draws:
        """The draws of step ``index``."""
        return SeededDraws(self, STEPS, index)

    def start(self) -> Draws:
        """The draws that make the start."""
        return SeededDraws(self, START, 0)

    def data(self) -> Draws:
        """The draws that make exact samples, unrelated to the start."""
        return SeededDraws(self, DATA, 0)

    def words(self, stream: int, step: int, call: int, size: int) -> tuple[Tensor, ...]:
        """Four int64 tensors of shape (B, size) of random words."""
        block = torch.arange(size, dtype=torch.int64, device=self.device)[None, :]
        where = torch.full_like(self._rows, step & 0xFFFFFFFF)
        what = torch.full_like(self._rows, (stream << 24) | call)
        return philox((block, self._rows, where, what), self._key)

    def normal(self, stream: int, step: int, call: int) -> Tensor:
        """N(0, I) at an address, (B, *shape)."""
        size = math.prod(self.shape)
        u0, u1, u2, u3 = ((w.double() + 0.5) * 2.0**-32 for w in self.words(stream, step, call, -(-size // 4)))
        r0, r1 = (-2 * u0.log()).sqrt(), (-2 * u2.log()).sqrt()
        a0, a1 = 2 * math.pi * u1, 2 * math.pi * u3
        z = torch.stack((r0 * a0.cos(), r0 * a0.sin(), r1 * a1.cos(), r1 * a1.sin()), -1).flatten(1)[:, :size]
        return z.float().to(self.dtype).reshape(-1, *self.shape)

    def uniform(self, stream: int, step: int, call: int) -> Tensor:
        """Uniform in (0, 1), shape (B,), float64."""
        return (self.words(stream, step, call, 1)[0][:, 0].double() + 0.5) * 2.0**-32


class SeededDraws(Draws):
    """The draws of one address, counted by call."""

    __slots__ = ("_call", "_noise", "_step", "_stream")

    def __init__(self, noise: SeededNoise, stream: int, step: int) -> None:
        self._noise, self._stream, self._step, self._call = noise, stream, step, 0

    def _next(self) -> tuple[int, int, int]:
        self._call += 1
        return self._stream, self._step, self._call - 1

    def fresh(self) -> Tensor:
        """N(0, I)."""
        return self._noise.normal(*self._next())

    def between(self, t: Any, s: Any, area: bool = False) -> Any:
        """N(0, I), independent of every other increment."""
        W = self.fresh()
        return (W, self.fresh() * 12**-0.5) if area else W

    def uniform(self) -> Tensor:
        """Uniforms, (B,)."""
        return self._noise.uniform(*self._next())
