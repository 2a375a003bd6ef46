"""The same model, grid, start and noise for the zoo and for a peer."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

import solvers_zoo as zoo

#: Samples and coordinates of the state.
SHAPE = (6, 2)
#: Wide enough for the levels of every peer.
EDM = zoo.EDM(sigma_min=1e-3, sigma_max=1e3)
#: The model of all comparisons, exact at every noise level: the reference problem of the order measurements.
MODEL = zoo.Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.3**2, 0.5**2], EDM)


@dataclass(frozen=True)
class Row:
    """One setting of a peer, and the solver of the zoo that it is compared with.

    Attributes:
        peer: its function or class.
        solver: the zoo's specification.
        settings: the peer's keyword arguments.
        draws: which of the zoo's draws the peer's are: ``between``, ``fresh``, or ``bridge`` (a stage half-way on one path).
        mend: (old, new) text of the peer's source, where it is the zoo's only when so changed.
        differs: what is different then, in words; without ``mend`` a test of its own shows that it is that alone.
        to_zero: whether the peer's last step to a level of 0 is the zoo's ``denoise``.

    """

    peer: str
    solver: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    draws: str = "between"
    mend: tuple[str, str] | None = None
    differs: str = ""
    to_zero: bool = True

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.peer}({settings})" if settings else self.peer


def normals(*address: int) -> Tensor:
    """N(0, I) of the state's shape, the same for the same address."""
    number = sum(part * 1000**place for place, part in enumerate(address))
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(number), dtype=torch.float64)


class Handed(zoo.Noise, zoo.Draws):
    """Normals addressed by step and kind: what the zoo and a peer are both handed."""

    def __init__(self, step: int = 0) -> None:
        self.step = step

    def at(self, index: int) -> Handed:
        """The draws of step ``index``."""
        return Handed(index)

    def between(self, t: Any = None, s: Any = None, area: bool = False) -> Tensor:
        """The increment of the step, in units of its standard deviation."""
        assert not area
        return normals(self.step, 1)

    def fresh(self) -> Tensor:
        """The further normal of the step."""
        return normals(self.step, 2)

    def uniform(self) -> Tensor:
        """No solver here asks for uniforms."""
        raise NotImplementedError


class Bridge:
    """Draws for two calls a step: the increment to its middle in lam first, as it is on a path to the end, and then to the end."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """W_m = (W + z)/sqrt(2), and W."""
        handed, self.calls = Handed(self.calls // 2), self.calls + 1
        return (handed.between() + handed.fresh()) / 2**0.5 if self.calls % 2 else handed.between()


def in_turn(kind: str) -> Callable[..., Tensor]:
    """A source of normals for a peer, which takes them in turn."""
    if kind == "bridge":
        return Bridge()
    steps = iter(range(1000))
    return lambda *args, **kwargs: getattr(Handed(next(steps)), kind)()


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference, relative to the largest entry."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


def mended(thing: Any, mend: tuple[str, str] | None) -> Any:
    """A function or class of a peer, its source changed in all places where the old text stands; it must stand there."""
    if mend is None:
        return thing
    source, (old, new) = textwrap.dedent(inspect.getsource(thing)), mend
    assert old in source, f"{thing.__name__} has no {old!r} any more"
    scope: dict[str, Any] = {}
    exec(compile(source.replace(old, new), "<mended>", "exec"), vars(sys.modules[thing.__module__]), scope)
    return scope[thing.__name__]
