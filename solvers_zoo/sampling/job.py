"""A run that is ready to start: everything that its numbers depend on, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError, OptionError
from solvers_zoo.noise.path import GridNoise, PathNoise
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.score_models.conditions import Conditions
from solvers_zoo.score_models.wrappers.conditioned import Conditioned
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Noise
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver

#: What a state may be made of.
DTYPES = {
    str(dtype).removeprefix("torch."): dtype for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16)
}


def usable_device(name: str | int | torch.device) -> torch.device:
    """The device of that name; `OptionError` if there is none here."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(f"device = {str(name)!r} is not possible here: {reason}") from None
    return device


@dataclass(frozen=True, eq=False)
class Job:
    """A run to be made: model, solver, grid, samples and their randomness, all checked.

    ``brownian`` is a word or the points of a finest grid, ``x`` a given start, ``noise`` a given noise, ``fit_nfe`` the network
    evaluations (of a batch) that fitting the grid took, ``first`` the number of the first sample, where those before it are
    drawn elsewhere; the rest is as in `sample`.
    """

    model: ScoreModel
    solver: Solver
    grid: Grid
    n: int
    shape: tuple[int, ...]
    seed: int
    dtype: torch.dtype
    device: torch.device
    start: str
    denoise: bool
    chunk: int
    brownian: str | Grid
    trajectory: bool
    x: Tensor | None
    noise: Noise | None
    condition: dict[str, object]
    fit_nfe: int = 0
    first: int = 0

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        reason = self.solver.supports(self.model.sde, self.grid)
        if reason:
            raise IncompatibleError(f"{self.solver} cannot run on {self.model.sde} here: {reason}.")

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.n // self.chunk)

    def samples(self, number: int) -> range:
        """The numbers of a chunk's samples."""
        return range(self.first + number * self.chunk, self.first + min((number + 1) * self.chunk, self.n))

    def begin(self, number: int) -> tuple[Noise, Tensor]:
        """Noise and start of a chunk, padded with further samples to the size of all chunks."""
        first = self.first + number * self.chunk
        seeded = SeededNoise(self.seed, range(first, first + self.chunk), self.shape, self.dtype, self.device)
        if self.x is not None:
            x = self._rows(self.x, number).to(self.device, self.dtype)
        elif self.start == "exact":
            draw = getattr(self.model, "draw", None)
            if draw is None:
                raise IncompatibleError(
                    "start=exact needs a model whose law is known (an analytic one); use start=prior."
                )
            x = draw(self.grid[0], seeded.start())
        else:
            x = seeded.start().fresh() * self.model.sde.prior_std(self.grid[0].t)
        return self.noise if self.noise is not None else self._brownian(seeded), x

    def conditioned(self, number: int) -> ScoreModel:
        """The model under the condition of a chunk's samples."""
        if not self.condition:
            return self.model
        run = Conditions(self.condition, self.n)
        return Conditioned(self.model, run.of(lambda value: self._rows(value, number), self.device), run.rows)

    def settings(self) -> dict[str, object]:
        """The settings that are kept with a stopped run, as numbers and words."""
        brownian = self.brownian if isinstance(self.brownian, str) else self.brownian.times
        return {
            "solver": str(self.solver),
            "sde": str(self.model.sde),
            "grid": self.grid.times,
            "smooth": self.grid.smooth,
            "n": self.n,
            "shape": list(self.shape),
            "seed": self.seed,
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": str(self.device),
            "start": self.start,
            "denoise": self.denoise,
            "chunk": self.chunk,
            "brownian": brownian,
            "trajectory": self.trajectory,
            "noise": self.noise is not None,
            "condition": sorted(self.condition),
            "fit_nfe": self.fit_nfe,
        }

    def _brownian(self, seeded: SeededNoise) -> Noise:
        if isinstance(self.brownian, Grid):
            return GridNoise(seeded, self.brownian)
        return PathNoise(seeded) if self.brownian == "path" else seeded

    def _rows(self, value: Tensor, number: int) -> Tensor:
        """The rows of a chunk; where it is padded, the last is repeated."""
        first = number * self.chunk
        rows = value[first : first + self.chunk]
        if len(rows) == self.chunk:
            return rows
        return torch.cat([rows, rows[-1:].expand(self.chunk - len(rows), *rows.shape[1:])])
