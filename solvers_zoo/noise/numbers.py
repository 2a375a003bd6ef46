"""Numbers made from a seed, in which every one has an address: (seed, stream, sample, step, call).

A sample's numbers depend on the seed and on the sample's own number, never on the batch it is computed in, so they are the same
alone, chunked, sharded or resumed. Words become normals by Box-Muller in float64, rounded to float32, then cast to the run's
dtype: float64 states get the very same numbers. They end at 6.76 standard deviations, which one number in 7e10 would exceed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import cached_property
from typing import Any, SupportsIndex

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.noise.philox import Philox

#: Streams of a seed: numbers of different streams are unrelated.
START, STEPS, DATA, TREE, FINE, CLASSES, PROBES, LEVELS, BOUND = range(9)

#: Counters worked on at once on the CPU, small enough for the second-level cache.
_BLOCK = 2**14
#: A call with fewer counters than this makes those of later steps too, as launching its 120 operations is most of its
#: cost; for the first few calls of a step only, to bound what is kept.
_SMALL, _KEPT = 2**13, 8

_UNIT, _TURN = 2.0**-32, 2 * math.pi * 2.0**-32


class SeededNumbers:
    """Normals and uniforms of a seed, for a batch of samples; arguments and errors are those of `SeededNoise`."""

    def __init__(
        self,
        seed: int,
        samples: Sequence[int],
        shape: Sequence[int],
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.seed, self.samples, self.shape = check_seed(seed), samples, tuple(shape)
        self.dtype, self.device = dtype, torch.device(device)
        self._maker = torch.device("cpu") if self.device.type == "mps" else self.device  # which has no float64
        if len(samples) and not 0 <= min(samples) <= max(samples) < 2**32:
            raise OptionError(f"Samples are numbered from 0 to 2^32 - 1, not {min(samples)} to {max(samples)}.")
        self._ahead: dict[tuple[int, int], tuple[int, tuple[Tensor, ...]]] = {}

    @cached_property
    def _words(self) -> Philox:  # made when first drawn from: deterministic solvers never do
        return Philox(self.seed)

    @cached_property
    def _rows(self) -> Tensor:
        return torch.as_tensor(list(self.samples), dtype=torch.int64, device=self._maker)[:, None]

    def normal(self, stream: int, step: int, call: int) -> Tensor:
        """N(0, I) at an address, (B, *shape).

        Small batches get several steps from one pass, which is kept: numbers are the same either way.
        """
        first, kept = self._ahead.get((stream, call), (0, ()))
        if first <= step < first + len(kept):
            return kept[step - first].clone()  # a caller may write into what it gets
        _check_address(step, call)
        size, rows = math.prod(self.shape), len(self.samples)
        counters = max(1, rows * -(-size // 4))
        if counters >= _SMALL or call >= _KEPT:
            return self._finished(self._normals(self._rows, stream, step, call, size), rows)
        steps = 1  # twice as many as the last time where these follow on: a run of few steps wastes little
        if kept and step == first + len(kept):
            steps = min(2 * len(kept), max(1, _SMALL // counters), 2**32 - step)
        each = torch.arange(step, step + steps, device=self._maker).repeat_interleave(rows)[:, None]
        z = self._normals(self._rows.repeat(steps, 1), stream, each, call, size)
        fresh = self._finished(z, steps, rows).unbind(0)
        self._ahead[stream, call] = step, fresh
        return fresh[0].clone()

    def _finished(self, z: Tensor, *lead: int) -> Tensor:
        """Normals in the dtype, on the device and in the shape asked for."""
        return z.to(self.device, self.dtype).view(*lead, *self.shape)

    def normals(self, stream: int, place: int | Tensor, count: int) -> Tensor:
        """``count`` independent N(0, I), (B, count, *shape) in float64.

        ``place`` in [0, 2^56) stands for step and call: an int, or an int64 tensor with one a sample, (B, 1).
        """
        place = place.to(self._maker) if isinstance(place, Tensor) else place
        z = self._normals(self._rows, stream, place, 0, count * math.prod(self.shape))
        return z.to(torch.float64).to(self.device).view(len(z), count, *self.shape)

    def uniform(self, stream: int, step: int, call: int) -> Tensor:
        """Uniform in (0, 1), shape (B,), float64."""
        _check_address(step, call)
        words = self._words(0, self._rows, step, stream << 24 | call)[0]
        return (words[:, 0].double() + 0.5).mul_(_UNIT).to(self.device)

    def _normals(self, rows: Tensor, stream: int, step: Any, call: int, size: int) -> Tensor:
        """Normals for ``rows`` (R, 1) of sample numbers and as many or one ``step``, (R, size) in float32, by blocks."""
        where, what = step & 0xFFFFFFFF, (step >> 32) + (stream << 24 | call)
        width = -(-size // 4)  # counters a row; number j comes from counter j % width, word j // width
        out = torch.empty(len(rows), size, dtype=torch.float32, device=self._maker)
        counters = torch.arange(width, device=self._maker)[None]
        block = _BLOCK if self._maker.type == "cpu" else 2**24
        columns = max(1, min(width, block))
        blocks = max(1, -(-len(rows) * columns // block))
        height = max(1, -(-len(rows) // blocks))
        for top in range(0, len(rows), height):
            these = slice(top, top + height)
            step_and_call = (where[these], what[these]) if isinstance(step, Tensor) else (where, what)
            for left in range(0, width, columns):
                words = self._words(counters[:, left : left + columns], rows[these], *step_and_call)
                _box_muller(words, out[these], left, width)
        return out


def _box_muller(words: tuple[Tensor, ...], out: Tensor, left: int, width: int) -> None:
    """Four normals a counter, word j's into out[:, j * width + left ...], as far as ``out`` reaches."""
    for j in (0, 2):
        if j * width + left >= out.shape[1]:
            return
        radius = words[j].double().add_(0.5).mul_(_UNIT).log_().mul_(-2).sqrt_()
        angle = words[j + 1].double().add_(0.5).mul_(_TURN)
        for place, wave in ((j * width + left, angle.cos()), ((j + 1) * width + left, angle.sin_())):
            target = out[:, place : place + radius.shape[1]]
            target.copy_(wave.mul_(radius)[:, : target.shape[1]])


def check_seed(seed: SupportsIndex) -> int:
    """``seed`` as an int; `OptionError` if it is not one."""
    try:
        if isinstance(seed, bool):
            raise TypeError
        return operator.index(seed)
    except TypeError:
        raise OptionError(f"seed = {seed!r} is not possible; it takes a whole number.") from None


def _check_address(step: int, call: int) -> None:
    if not (0 <= step < 2**32 and call < 2**24):
        raise OptionError(f"Noise has 2^32 steps of 2^24 calls; there is no call {call} of step {step}.")
