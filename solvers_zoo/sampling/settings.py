"""The arguments of `sample` that settle the numbers of a run, as one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from solvers_zoo.registry.defaults import SOLVER

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from solvers_zoo.noise.base import Noise
    from solvers_zoo.solving.stepping import Solver
    from solvers_zoo.time_grids.base import Grid, GridRule

    #: What may be given as a grid: a name or specification, a rule, explicit times, or None for the process's own.
    GridLike: TypeAlias = str | GridRule | Grid | Sequence[float] | Tensor | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Settings:
    """What the caller asked for, before anything is checked or made; every field is the argument of `sample` of that name.

    The model stands beside it, and so does what only watches a run: ``grad``, ``callback``, ``progress`` and ``resume``.
    """

    solver: str | Solver = SOLVER
    steps: int | None = None
    nfe: int | None = None
    grid: GridLike = None
    x: Tensor | None = None
    n: int | None = None
    shape: Sequence[int] | None = None
    seed: int = 0
    noise: Noise | None = None
    brownian: str | Grid | Sequence[float] | Tensor = "independent"
    start: str = "prior"
    denoise: bool = False
    dtype: torch.dtype | None = None
    device: str | int | torch.device | None = None
    condition: Mapping[str, object] | None = None
    chunk: int | None = None
    trajectory: bool = False
