"""Brownian motions of the zoo as torchsde asks for them. Its own draw a whole batch from one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


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
