"""What a run returns, and what is kept of one that was stopped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from solvers_zoo.solving.stepping import State


@dataclass(frozen=True)
class Pause:
    """Where a stopped run stands.

    Attributes:
        settings: what `sample` needs to go on, besides the model: solver, times, n, shape, chunk, seed, dtype, ...
        chunk: number of the chunk that was under way.
        state: its state after its last whole step, or None if it is to begin anew.
        spent: calls, model_seconds and steps that it took so far; part of the result's ``stats``.
        x: the start of all samples, where the user gave one, (n, ...).
        path: the chunk's states so far, (steps + 1, chunk, ...), if a trajectory was asked for.

    """

    settings: dict[str, Any]
    chunk: int
    state: State | None
    spent: dict[str, Any]
    x: Tensor | None = None
    path: Tensor | None = None


@dataclass(frozen=True)
class Result:
    """Samples and what they cost.

    Attributes:
        x: the samples, (n, *shape); of a stopped run, those of the finished chunks.
        nfe: network evaluations a sample, the last denoise included; the most of any chunk.
        grid: the times, N + 1 floats.
        seed: the seed.
        solver: the solver's specification.
        stats: ``seconds``, ``model_seconds``, batched model ``calls`` and ``steps`` over all chunks, ``fit_nfe`` where the grid
            was fitted (evaluations of its own batch, before the run), and what the solver reports: tensors with one entry a
            sample, or sums over chunks.
        trajectory: (steps + 1, n, *shape) if it was asked for, the start first.
        pause: set if the run was stopped; ``zoo.sample(model, resume=result)`` goes on.

    """

    x: Tensor
    nfe: int
    grid: list[float]
    seed: int
    solver: str
    stats: dict[str, Any] = field(default_factory=dict)
    trajectory: Tensor | None = None
    pause: Pause | None = None

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.pause is None

    def save(self, path: str | Path) -> Path:
        """Write to ``path`` (.npz or .pt), in one stroke.

        Raises:
            StorageError: a file that cannot be written.

        """
        from solvers_zoo.sampling.storage import save

        return save(self, path)

    @staticmethod
    def load(path: str | Path) -> Result:
        """Read what `save` wrote; nothing in the file is executed.

        Raises:
            StorageError: no such file, or one that is damaged or foreign.

        """
        from solvers_zoo.sampling.storage import load

        return load(path)
