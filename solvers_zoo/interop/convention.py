"""How a network is called, and what it answers: the ways of another library in the zoo's terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianSDE


def _same_time(t: Scalar) -> Scalar:
    return t


def _same_state(x: Tensor, t: Scalar) -> Tensor:
    return x


def _as_it_is(x: Tensor, out: Tensor, t: Scalar) -> Tensor:
    return out


@dataclass(frozen=True)
class Convention:
    """A process, and what stands between its states and times and those of a network.

    ``t`` is a time of the process: a float, a tensor without dimensions, or one that broadcasts against the state.

    Attributes:
        sde: the process.
        kind: what `told` gives: ``x0``, ``eps``, ``v``, ``score`` or ``flow``.
        time: t -> what the network is told of the time.
        scaled: (state, t) -> the network's input.
        told: (state, network's output, t) -> the prediction.
        halve: whether the network may answer with a variance behind its prediction.

    """

    sde: GaussianSDE
    kind: str
    time: Callable[[Scalar], Scalar] = _same_time
    scaled: Callable[[Tensor, Scalar], Tensor] = _same_state
    told: Callable[[Tensor, Tensor, Scalar], Tensor] = _as_it_is
    halve: bool = False
