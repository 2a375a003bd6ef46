"""Noise made from a seed: what a run draws from unless it is told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.noise.base import Draws, Noise
from solvers_zoo.noise.brownian import BrownianPath
from solvers_zoo.noise.numbers import CLASSES, DATA, START, STEPS, SeededNumbers

if TYPE_CHECKING:
    from torch import Tensor


class SeededNoise(SeededNumbers, Noise):
    """Independent increments from a seed.

    Args:
        seed: any integer. Its value modulo 2^64 counts: -1 and 2^64 - 1 are one seed.
        samples: the numbers of the samples of this batch, each in [0, 2^32).
        shape: shape of one sample.
        dtype: of the numbers handed out.
        device: where they are made. Devices whose logarithm and cosine round differently agree to a unit in the last
            place of float32, and nearly always to the bit.

    Raises:
        OptionError: a seed that is not an integer, or a sample's number out of range.

    """

    def at(self, index: int) -> Draws:
        """The draws of step ``index``."""
        return SeededDraws(self, STEPS, index)

    def start(self) -> Draws:
        """The draws that make the start."""
        return SeededDraws(self, START, 0)

    def data(self) -> Draws:
        """The draws that make exact samples, unrelated to the start."""
        return SeededDraws(self, DATA, 0)

    def classes(self) -> Draws:
        """The draws that choose the classes of samples, unrelated to all others."""
        return SeededDraws(self, CLASSES, 0)

    def path(self, low: float, high: float, resolution: float | None = None) -> BrownianPath:
        """A Brownian path of every sample on [low, high], in any clock."""
        return BrownianPath(self, low, high, resolution)


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

    def uniform(self) -> Tensor:
        """Uniforms, (B,)."""
        return self._noise.uniform(*self._next())
