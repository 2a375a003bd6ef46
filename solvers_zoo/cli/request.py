"""What ``zoo sample`` was asked for, and what of it can be refused before torch is imported."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from solvers_zoo.cli import common
from solvers_zoo.cli.executor_options import executor_from
from solvers_zoo.errors import OptionError, StorageError
from solvers_zoo.registry import defaults
from solvers_zoo.sampling.settings import Settings

if TYPE_CHECKING:
    from solvers_zoo.executors.base import Executor
    from solvers_zoo.registry.registry import Registry
    from solvers_zoo.sampling.settings import GridLike
    from solvers_zoo.time_grids.base import GridRule

SAMPLES, SOLVER, MODEL = 2000, f"{common.OWN}:{defaults.SOLVER}", f"{common.OWN}:ring"
_DATA, _PICTURES = (".npz", ".pt"), (".png", ".svg", ".pdf")
_MOST_STEPS = 1_000_000


class Start(StrEnum):
    """Where samples start."""

    prior = "prior"
    exact = "exact"


class Dtype(StrEnum):
    """Floating point of the state."""

    float64 = "float64"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


@dataclass(frozen=True)
class Request:
    """What was asked for, as it was typed; None where it was left to the default."""

    solver: str | None
    model: str
    sde: str | None
    grid: str | None
    steps: int | None
    nfe: int | None
    n: int | None
    shape: str | None
    seed: int | None
    start: Start | None
    denoise: bool | None
    dtype: Dtype | None
    chunk: int | None
    brownian: bool
    out: Path | None
    resume: Path | None
    executor: str | None
    executor_option: list[str] | None
    shard: int | None
    plugin: list[str]

    @property
    def shards(self) -> Path | None:
        """Where the parts of a run that is drawn in parts are kept."""
        if self.executor is None and self.shard is None:
            return None
        return self.out.with_name(self.out.name + ".shards") if self.out else Path("zoo-sample.shards")

    @property
    def partial(self) -> Path:
        """Where a stopped run is kept."""
        if self.resume is not None and self.resume.name.endswith(".partial.npz"):
            return self.resume
        return self.out.with_name(self.out.name + ".partial.npz") if self.out else Path("zoo-sample.partial.npz")

    def resuming(self, path: Path) -> str:
        """The command that goes on from ``path``."""
        words = ["zoo", "sample", "--resume", str(path), "--model", self.model]
        words += ["--sde", self.sde] if self.sde else []
        words += [word for file in self.plugin for word in ("--plugin", file)]
        words += ["--out", str(self.out)] if self.out else []
        return shlex.join(words)


def check(request: Request) -> tuple[Settings, Executor | None]:
    """The settings that a request means, with solver and grid made, and the executor of a run in parts.

    Where a stopped run goes on the settings are the defaults: the run has its own.

    Raises:
        ZooError: anything that can be known to be wrong before a sample is drawn.

    """
    common.at_least_one(steps=request.steps, nfe=request.nfe, n=request.n, chunk=request.chunk, shard=request.shard)
    if request.steps is not None and request.steps > _MOST_STEPS:
        raise common.misuse(f"--steps {request.steps} is not possible; it takes at most {_MOST_STEPS}.")
    if request.steps is not None and request.nfe is not None:
        raise common.misuse("Give --steps or --nfe, not both.")
    common.check_out("--out", request.out, _DATA + _PICTURES)
    found = common.registry(request.plugin)
    if request.sde:
        found.make("sde", request.sde)
    if request.resume is not None:
        _check_resumed(request, request.resume)
        return Settings(), None
    shape = None
    if request.shape is not None:
        if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", request.shape):
            raise common.misuse(
                f"--shape {request.shape!r} is not possible; it takes whole numbers >= 1, as in 3,32,32."
            )
        shape = tuple(int(size) for size in request.shape.split(","))
    solver = found.make("solver", request.solver or SOLVER)
    if request.nfe is not None and solver.nfe(1) is None:
        raise OptionError(
            f"{solver} chooses its own steps, so it takes no budget: set its tolerances instead of --nfe (`zoo show` lists them)."
        )
    settings = Settings(
        solver=solver,
        grid=_grid(found, request.grid),
        steps=request.steps,
        nfe=request.nfe,
        n=request.n or SAMPLES,
        shape=shape,
        seed=request.seed or 0,
        start=str(request.start or Start.prior),
        denoise=bool(request.denoise),
        chunk=request.chunk,
        brownian="path" if request.brownian else "independent",
    )
    return settings, executor_from(found, request.executor, request.executor_option)


def _check_resumed(request: Request, path: Path) -> None:
    """Refuse what a stopped run settles itself."""
    fixed = (
        "solver",
        "grid",
        "steps",
        "nfe",
        "n",
        "shape",
        "seed",
        "start",
        "denoise",
        "dtype",
        "chunk",
        "brownian",
        "executor",
        "executor_option",
        "shard",
    )
    given = [
        f"--{name.replace('_', '-')}" if len(name) > 1 else f"-{name}"
        for name in fixed
        if getattr(request, name) not in (None, False)
    ]
    if given:
        raise common.misuse(f"A resumed run keeps its settings: leave {', '.join(given)} out.")
    if not path.is_file():
        raise StorageError(f"There is no file {path} to resume.")


def _grid(found: Registry, text: str | None) -> GridLike:
    """A rule, explicit times, or None for the process's own."""
    if text is None:
        return None
    words = text.strip().strip("[]").split(",")
    try:
        return [float(word) for word in words]
    except ValueError:
        rule: GridRule = found.make("grid", text)
        return rule
