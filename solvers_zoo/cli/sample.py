"""``zoo sample``: one run, what it cost, how good it is, and a picture of it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.errors import Interrupted, ModelError, OptionError, StorageError

if TYPE_CHECKING:
    from solvers_zoo.registry import Registry
    from solvers_zoo.sampling.result import Result
    from solvers_zoo.score_models.base import ScoreModel

_DATA, _PICTURES = (".npz", ".pt"), (".png", ".svg", ".pdf")
_MOST_STEPS = 1_000_000
_SAMPLES, _SOLVER, _MODEL = 2000, f"{common.OWN}:heun", f"{common.OWN}:ring"


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
    plugin: list[str]

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


def sample(
    solver: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Solver, with options as ddim:eta=0.5.  [dim]\\[default: heun][/dim]",
            autocompletion=common.completes("solver"),
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            show_default="ring",
            autocompletion=common.completes("model"),
            help="Ready-made model, or path/to/file.py:name for a score model (or a function that makes one).",
        ),
    ] = _MODEL,
    sde: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Forward process.  [dim]\\[default: the model's own][/dim]",
            autocompletion=common.completes("sde"),
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Grid rule, or times as 80,10,1,0.002.  [dim]\\[default: the process's own][/dim]",
            autocompletion=common.completes("grid"),
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Number of steps.  [dim]\\[default: 20][/dim]")] = None,
    nfe: Annotated[int | None, typer.Option(help="Instead of steps: a budget of network evaluations a sample.")] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", "--samples", help=f"Number of samples.  [dim]\\[default: {_SAMPLES}][/dim]"),
    ] = None,
    shape: Annotated[
        str | None, typer.Option(metavar="D,D,..", help="Shape of a sample, where the model does not say it.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Sample i is the same for the same seed.  [dim]\\[default: 0][/dim]")
    ] = None,
    start: Annotated[
        Start | None, typer.Option(help="Prior, or the exact law at t_max.  [dim]\\[default: prior][/dim]")
    ] = None,
    denoise: Annotated[
        bool | None, typer.Option("--denoise/--no-denoise", help="End with the prediction of x0, one more evaluation.")
    ] = None,
    dtype: Annotated[Dtype | None, typer.Option(help="Of the state.  [dim]\\[default: float32][/dim]")] = None,
    chunk: Annotated[int | None, typer.Option(help="Samples a batch.")] = None,
    brownian: Annotated[
        bool,
        typer.Option("--brownian", help="Draw noise from one Brownian path a sample, which refining the grid keeps."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save samples (.npz, .pt) or a picture (.png, .svg, .pdf).")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="FILE", help="Go on with a run that was stopped.")] = None,
    plugin: common.PluginOption = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No picture in the terminal and no progress bar.")
    ] = False,
    json: common.JsonOption = False,
) -> None:
    """Draw samples, say what they cost and how good they are, and show them.

    [dim]Examples:[/dim]

    zoo sample --solver heun --steps 10

    zoo sample --solver ddim:eta=0.5 --model digits --nfe 20 -n 64 --out digits.png
    """
    request = Request(
        solver, model, sde, grid, steps, nfe, n, shape, seed, start, denoise, dtype, chunk, brownian, out, resume, plugin or []
    )  # fmt: skip
    settings = check(request)  # everything that can be refused before torch is even imported
    from solvers_zoo.cli import outcome

    built, result, denoised = run(request, settings, progress=not (quiet or json))
    report = outcome.assess(built, result, request, denoised)
    if out is not None:
        report.save(out)
    if json:
        common.print_json(report.facts())
    else:
        report.print(picture=not quiet)


def check(request: Request) -> dict[str, Any]:
    """The settings of `solvers_zoo.sample` that a request means, with solver, process and grid made.

    Raises:
        ZooError: anything that can be known to be wrong before a sample is drawn.

    """
    common.at_least_one(steps=request.steps, nfe=request.nfe, n=request.n, chunk=request.chunk)
    if request.steps is not None and request.steps > _MOST_STEPS:
        raise common.misuse(f"--steps {request.steps} is not possible; it takes at most {_MOST_STEPS}.")
    if request.steps is not None and request.nfe is not None:
        raise common.misuse("Give --steps or --nfe, not both.")
    if request.out is not None:
        if request.out.suffix not in _DATA + _PICTURES:
            known = ", ".join(_DATA + _PICTURES)
            raise common.misuse(
                f"--out {request.out} ends in {request.out.suffix or 'nothing'!r}; it can end in {known}."
            )
        common.check_folder(request.out)
    found = common.registry(request.plugin)
    if request.resume is not None:
        return _resumed(request)
    shape = None
    if request.shape is not None:
        if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", request.shape):
            raise common.misuse(
                f"--shape {request.shape!r} is not possible; it takes whole numbers >= 1, as in 3,32,32."
            )
        shape = tuple(int(size) for size in request.shape.split(","))
    solver = found.make("solver", request.solver or _SOLVER)
    if request.nfe is not None and solver.nfe(1) is None:
        raise OptionError(
            f"{solver} chooses its own steps, so it takes no budget: set its tolerances instead of --nfe (`zoo show` lists them)."
        )
    return {
        "solver": solver, "grid": _grid(found, request.grid), "steps": request.steps, "nfe": request.nfe,
        "sde": found.make("sde", request.sde) if request.sde else None, "n": request.n or _SAMPLES, "shape": shape,
        "seed": request.seed or 0, "start": str(request.start or Start.prior), "denoise": bool(request.denoise),
        "chunk": request.chunk, "brownian": "path" if request.brownian else "independent",
    }  # fmt: skip


def _resumed(request: Request) -> dict[str, Any]:
    fixed = ("solver", "grid", "steps", "nfe", "n", "shape", "seed", "start", "denoise", "dtype", "chunk", "brownian")
    given = [
        f"--{name}" if len(name) > 1 else f"-{name}" for name in fixed if getattr(request, name) not in (None, False)
    ]
    if given:
        raise common.misuse(f"A resumed run keeps its settings: leave {', '.join(given)} out.")
    assert request.resume is not None
    if not request.resume.is_file():
        raise StorageError(f"There is no file {request.resume} to resume.")
    return {"resume": request.resume, "sde": common.registry().make("sde", request.sde) if request.sde else None}


def _grid(found: Registry, text: str | None) -> Any:
    """A rule, explicit times, or None for the process's own."""
    if text is None:
        return None
    words = text.strip().strip("[]").split(",")
    try:
        return [float(word) for word in words]
    except ValueError:
        return found.make("grid", text)


def run(request: Request, settings: dict[str, Any], progress: bool) -> tuple[ScoreModel, Result, bool]:
    """Build the model and sample from it; on Ctrl-C keep what is done and say how to go on.

    Returns:
        Model, result, and whether it was denoised at the end.

    """
    from solvers_zoo.cli.model_spec import build_model
    from solvers_zoo.cli.progress import Progress
    from solvers_zoo.sampling.driver import sample as draw

    found = common.registry()
    model = build_model(found, request.model, settings.pop("sde"))
    if request.resume is not None:
        denoised = _load_stopped(settings)
    else:
        import torch

        denoised = settings["denoise"]
        settings["dtype"] = getattr(torch, request.dtype or Dtype.float32)
        if settings["grid"] is None:  # the process names its grid in short; the core's is meant, whoever else claims it
            settings["grid"] = found.make("grid", _own(found, "grid", model.sde.default_grid))
        _check_size(model, settings)
    with Progress("sampling", progress) as bar:
        try:
            return model, draw(model, **settings, progress=bar), denoised
        except Interrupted as stopped:
            partial = stopped.result
    assert partial.pause is not None
    path = partial.save(request.partial)
    done = f"{len(partial.x):,} of {partial.pause.settings['n']:,}"
    raise common.Halt(
        f"Stopped with {done} samples finished, kept in {path}; go on with: {request.resuming(path)}", 130
    )


def _load_stopped(settings: dict[str, Any]) -> bool:
    """Read the stopped run to resume; whether it ends with a denoise."""
    from solvers_zoo.sampling.result import Result

    path = settings["resume"]
    settings["resume"] = stopped = Result.load(path)
    if stopped.pause is None:
        raise StorageError(f"{path} holds a run that is finished; there is nothing to resume.")
    return bool(stopped.pause.settings["denoise"])


def _own(found: Registry, kind: str, name: str) -> str:
    """The core's own of a name where others claim it too."""
    claims = [entry for entry in found.entries(kind) if name in (entry.card.name, *entry.card.aliases)]
    own = [entry for entry in claims if entry.dist == common.OWN]
    return own[0].qualified if len(claims) > 1 and own else name


def _check_size(model: ScoreModel, settings: dict[str, Any]) -> None:
    """Refuse a number of samples that the machine's memory cannot hold."""
    import math
    import os

    shape = settings["shape"] or model.shape
    if shape is None:
        raise common.misuse("The model does not say what shape its samples have: give --shape, as in --shape 3,32,32.")
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return
    wanted = (
        settings["n"] * math.prod(shape) * settings["dtype"].itemsize * 3
    )  # the samples, the parts and the exact ones
    if wanted > memory:
        raise ModelError(
            f"{settings['n']:,} samples of shape {tuple(shape)} take {wanted / 2**30:,.1f} GiB to hold, and this machine has "
            f"{memory / 2**30:,.1f}; draw them in several runs."
        )
