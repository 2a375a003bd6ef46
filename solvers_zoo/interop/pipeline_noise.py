"""Noise drawn as a pipeline of another library draws it: one tensor after the other, when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.noise.base import Draws, Noise
from solvers_zoo.processes.base import Point


class DrawnNoise(Noise):
    """Normals from ``draw``, kept until they are forgotten: a step that is begun anew is handed what it had.

    Args:
        draw: gives the next N(0, I) of the state's shape; told the ends of the interval where the increment of one is asked for.
        uniform: gives the next uniforms, (B,) in float64.

    """

    def __init__(self, draw: Callable[[Point | None, Point | None], Tensor], uniform: Callable[[], Tensor]) -> None:
        self.draw, self.uniform = draw, uniform
        self.kept: dict[tuple[int, int], Tensor] = {}

    def at(self, index: int) -> Draws:
        """The draws of step ``index``."""
        return _Drawn(self, index)

    def forget(self) -> None:
        """Let go of the draws of steps that are done."""
        self.kept.clear()


class _Drawn(Draws):
    """The draws of a step, counted by call."""

    def __init__(self, noise: DrawnNoise, index: int) -> None:
        self.noise, self.index, self.call = noise, index, 0

    def _next(self, make: Callable[[], Tensor]) -> Tensor:
        address = self.index, self.call
        self.call += 1
        if address not in self.noise.kept:
            self.noise.kept[address] = make()
        return self.noise.kept[address].clone()  # a solver may write into what it gets

    def fresh(self) -> Tensor:
        """N(0, I)."""
        return self._next(lambda: self.noise.draw(None, None))

    def between(self, t: Point, s: Point, area: bool = False) -> Any:
        """N(0, I), as the source gives it for this interval; the area from a fresh one."""
        W = self._next(lambda: self.noise.draw(t, s))
        return (W, self.fresh() * 12**-0.5) if area else W

    def uniform(self) -> Tensor:
        """Uniforms, (B,)."""
        return self._next(self.noise.uniform)


def torch_uniform(x: Tensor, generator: object = None) -> Tensor:
    """Uniforms in (0, 1), one a row of ``x``, from a generator or torch's own."""
    source = generator if isinstance(generator, torch.Generator) else None
    device = source.device if source is not None else x.device
    return torch.rand(len(x), dtype=torch.float64, device=device, generator=source).clamp_(min=2.0**-53).to(x.device)
