"""Brownian motions of the zoo as torchsde asks for them; torchsde's own draw a whole batch from one seed."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from solvers_zoo import Draws


class Increments:
    """What torchsde needs of a Brownian motion with one channel a row.

    Args:
        ask: ``ask(a, b, area)`` gives the increment over [a, b], and with ``area`` also its space-time Levy area H.
        rows: (B d, 1), to know size, dtype and device.

    """

    #: Level of Levy area offered. With one channel the area between channels that "foster" stands for is zero.
    levy_area_approximation = "foster"

    def __init__(self, ask: Callable[[float, float, bool], Any], rows: Tensor) -> None:
        self.ask, self.rows = ask, rows
        self.shape, self.dtype, self.device = tuple(rows.shape), rows.dtype, rows.device

    def __call__(self, a: Tensor, b: Tensor, return_U: bool = False, return_A: bool = False) -> Any:
        """W over [a, b]; with U = int (B - B(a)) du = (b - a) (W/2 + H), or with the area A = 0 between channels."""
        start, end = float(a), float(b)
        if return_U:
            W, H = (part.reshape(-1, 1) for part in self.ask(start, end, True))
            return W, (end - start) * (W / 2 + H)
        W = self.ask(start, end, False).reshape(-1, 1)
        return (W, W.new_zeros(len(W), 1, 1)) if return_A else W

    def size(self) -> tuple[int, ...]:
        """The shape."""
        return self.shape


class Bridge:
    """A Brownian motion on [low, high] as steps that are tried, halved and rejected ask for it.

    A value between two known ones is drawn from the Brownian bridge between them, so that a step, its halves and the steps
    tried after a rejection all see one path. Values before the last three starts are forgotten: a rejected step has asked from
    its own start twice and from its middle, and the next one asks from its start again.
    """

    def __init__(self, draws: Draws, low: float, high: float) -> None:
        self.draws = draws
        end = math.sqrt(high - low) * draws.fresh()
        self.times, self.values = [low, high], [end * 0.0, end]
        self.starts: tuple[float, ...] = ()

    def increment(self, a: float, b: float, area: bool = False) -> Tensor:
        """B(b) - B(a)."""
        assert not area, "a bridge knows no areas"
        start = self.value(a)
        self.starts = (*self.starts[-2:], a)
        gone = bisect_left(self.times, min(self.starts))
        del self.times[:gone], self.values[:gone]
        return self.value(b) - start

    def value(self, u: float) -> Tensor:
        """B(u) - B(low)."""
        place = bisect_left(self.times, u)
        if self.times[place] != u:
            (a, b), (A, B) = self.times[place - 1 : place + 1], self.values[place - 1 : place + 1]
            spread = math.sqrt((u - a) * (b - u) / (b - a))
            self.times.insert(place, u)
            self.values.insert(place, A + (u - a) / (b - a) * (B - A) + spread * self.draws.fresh())
        return self.values[place]
