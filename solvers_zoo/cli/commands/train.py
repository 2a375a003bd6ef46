"""``zoo train``: a score model of your data, from one command."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.training_line import TrainingLine
from solvers_zoo.cli.words import clock
from solvers_zoo.registry.defaults import SOLVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from solvers_zoo.score_models.network import NetworkModel
    from solvers_zoo.train.settings import Settings
    from solvers_zoo.train.trainer import Trainer

_MINUTES = 4.0


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="digits, mnist, fashion-mnist, a model whose law is known (two-moons, ring), a .npz or .csv.gz, or a folder of images.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Time to take: its first steps are timed, and fix their number.  [dim]\\[default: 4][/dim]"),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Instead of minutes: number of steps.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The model (.safetensors).  [dim]\\[default: runs/DATA.safetensors][/dim]"),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Network; one that suits the data by default.",
            autocompletion=common.completes("network"),
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="What is minimised.  [dim]\\[default: dsm][/dim]",
            autocompletion=common.completes("objective"),
        ),
    ] = None,
    sde: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC", help="Forward process.  [dim]\\[default: edm][/dim]", autocompletion=common.completes("sde")
        ),
    ] = None,
    prediction: Annotated[
        str | None,
        typer.Option(
            help="edm (EDM's preconditioning, which predicts x0), x0, eps, v, score or flow.  [dim]\\[default: edm][/dim]"
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Samples a step.  [dim]\\[default: 256, or 64 of large ones][/dim]")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Largest learning rate.  [dim]\\[default: 0.001][/dim]")] = None,
    warmup: Annotated[int | None, typer.Option(help="Steps to reach it.  [dim]\\[default: 50][/dim]")] = None,
    ema: Annotated[
        float | None, typer.Option(help="Decay of the average of the weights.  [dim]\\[default: 0.999][/dim]")
    ] = None,
    clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.  [dim]\\[default: 1][/dim]")] = None,
    decay: Annotated[
        float | None, typer.Option(help="Decay of the weights (AdamW).  [dim]\\[default: 0][/dim]")
    ] = None,
    unlabelled: Annotated[
        float | None, typer.Option(help="Share of samples whose class is withheld.  [dim]\\[default: 0.1][/dim]")
    ] = None,
    held_out: Annotated[
        float | None,
        typer.Option(help="Share of the data kept apart for the held-out score.  [dim]\\[default: 0.1][/dim]"),
    ] = None,
    evaluations: Annotated[
        int | None, typer.Option(help="How often that is taken.  [dim]\\[default: 20][/dim]")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many evaluations without a better score; 0 never does.  [dim]\\[default: 0][/dim]"
        ),
    ] = None,
    bf16: Annotated[
        bool | None,
        typer.Option(
            "--bf16",
            help="Compute in bfloat16: faster where the processor has it (AMX, AVX-512 BF16), slower elsewhere.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and noise.  [dim]\\[default: 0][/dim]")] = None,
    threads: Annotated[int | None, typer.Option(help="Of the processor.  [dim]\\[default: all][/dim]")] = None,
    half: Annotated[bool, typer.Option("--half", help="Keep the weights in float16, at half the size.")] = False,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A picture of samples, made anew at every evaluation (.png, .svg, .pdf)."),
    ] = None,
    data_folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the files of mnist or fashion-mnist are.")
    ] = None,
    keep_every: Annotated[float, typer.Option(metavar="SECONDS", help="Between two states on disk, at least.")] = 20.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was stopped, bit for bit.")] = False,
    plugin: common.PluginOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing until it is done.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Train a score model, keep it as a file, and use that wherever a model is named.

    The state is kept as it goes: after a crash or Ctrl-C the same command with --resume ends with the very same weights. Several
    processes: torchrun --nproc-per-node 2 -m solvers_zoo.cli train ...

    [dim]Examples:[/dim]

    zoo train digits --minutes 4 --out runs/digits.safetensors

    zoo sample --model runs/digits.safetensors --solver unipc-3 --nfe 10 --out digits.png

    zoo train two-moons --steps 2000 --objective flow-matching --sde rectified-flow
    """
    given = {
        "data": data,
        "minutes": minutes,
        "steps": steps,
        "network": network,
        "objective": objective,
        "sde": sde,
        "prediction": prediction,
        "batch": batch,
        "lr": lr,
        "warmup": warmup,
        "ema": ema,
        "clip": clip,
        "decay": decay,
        "unlabelled": unlabelled,
        "held_out": held_out,
        "evaluations": evaluations,
        "patience": patience,
        "bf16": bf16,
        "seed": seed,
        "threads": threads,
        "folder": None if data_folder is None else str(data_folder),
    }
    given = {name: value for name, value in given.items() if value is not None}
    out = _place(out, data)
    if preview is not None:
        common.check_folder(preview)
    common.registry(plugin)
    settings = _resumed(given, out) if resume else _fresh(given)
    if not resume:
        from solvers_zoo.train.state import state_file

        if state_file(out).exists():
            raise common.misuse(f"{state_file(out)} holds a run that was stopped: go on with --resume, or delete it.")
    with TrainingLine(quiet or json) as line:
        trainer, model = _train(settings, out, resume, keep_every, line, _previewer(preview))
    from solvers_zoo.score_models.checkpoints import save_model

    if trainer.workers.first:
        card = {"data": trainer.data.card(), "training": {"command": _command(), **trainer.facts()}}
        save_model(out, model, card, "float16" if half else "float32")
        _clear(out)
        _say(trainer, model, out, json)


def _place(out: Path | None, data: str | None) -> Path:
    """The file of the model, in a folder that can be written."""
    from solvers_zoo.score_models.checkpoints import SUFFIX
    from solvers_zoo.storage.files import make_folder

    if out is None:
        if data is None:
            raise common.misuse("Name the data, as in `zoo train digits`, or with --resume the file as --out.")
        out = Path("runs") / f"{Path(data).name.split('(')[0].split(':')[0].split('.')[0] or 'model'}{SUFFIX}"
    common.check_ending("--out", out, (SUFFIX,), f"a model is a file *{SUFFIX}")
    make_folder(out.parent)
    common.check_folder(out)
    return out


def _fresh(given: dict[str, Any]) -> Settings:
    from solvers_zoo.train.settings import Settings

    if "data" not in given:
        raise common.misuse("Name the data, as in `zoo train digits`.")
    if "steps" in given and "minutes" in given:
        raise common.misuse("Give --steps or --minutes, not both.")
    usual = {} if "steps" in given else {"minutes": _MINUTES}
    return Settings(**{"threads": _cores()} | usual | given)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _resumed(given: dict[str, Any], out: Path) -> Settings:
    """The stopped run's settings; those that are given again must be the same."""
    from solvers_zoo.errors import OptionError, StorageError
    from solvers_zoo.train.state import read_state, state_file

    if out.is_file() and not state_file(out).is_file():
        raise StorageError(f"{out} is finished: there is no stopped run {state_file(out)} to resume.")
    kept, _, _ = read_state(state_file(out))
    found = common.registry()
    made = {name: str(found.make(name, given[name])) for name in ("network", "objective", "sde") if name in given}
    other = [
        f"{name} = {value} (was {getattr(kept, name)})"
        for name, value in (given | made).items()
        if value != getattr(kept, name)
    ]
    if other:
        raise OptionError(f"The stopped run had other settings: {', '.join(other)}; leave them out.")
    if found.make("network", kept.network).runs_code and "network" not in given:
        raise OptionError(f"The stopped run trains {kept.network}, which runs that code: give --network again.")
    return kept


def _train(
    settings: Settings,
    out: Path,
    resume: bool,
    every: float,
    line: TrainingLine,
    preview: Callable[[NetworkModel, int], None] | None,
) -> tuple[Trainer, NetworkModel]:
    from solvers_zoo.train.data import load_data
    from solvers_zoo.train.state import state_file
    from solvers_zoo.train.trainer import Trainer

    data = load_data(settings.data, None if settings.folder is None else Path(settings.folder))
    trainer = Trainer(settings, data, state_file(out), every, report=line, preview=preview)
    if resume:
        trainer.resume()
    line.begin(trainer)
    try:
        return trainer, trainer.run()
    except KeyboardInterrupt:
        raise common.Halt(
            f"Stopped after {trainer.state.step:,} steps, kept in {state_file(out)}; go on with: zoo train --resume --out "
            f"{shlex.quote(str(out))}",
            130,
        ) from None


def _previewer(path: Path | None) -> Callable[[NetworkModel, int], None] | None:
    if path is None:
        return None

    def draw(model: NetworkModel, step: int) -> None:
        import torch

        from solvers_zoo.charts.samples import draw_figure, view
        from solvers_zoo.sampling.driver import sample

        n = 64 if len(model.shape or ()) > 1 else 1500
        x = sample(model, SOLVER, nfe=18, n=n, denoise=True, dtype=torch.float32).x
        draw_figure(view(x, None, f"step {step:,}", model), path, f"{SOLVER}, NFE 18", str(model.sde))

    return draw


def _command() -> str:
    return shlex.join(["zoo", *sys.argv[1:]])


def _clear(out: Path) -> None:
    from solvers_zoo.train.state import state_file

    state_file(out).unlink(missing_ok=True)


def _say(trainer: Trainer, model: NetworkModel, out: Path, json: bool) -> None:
    state = trainer.state
    if json:
        common.print_json({"out": out, "parameters": model.parameters, "bytes": out.stat().st_size, **trainer.facts()})
        return
    common.say(
        f"{state.step:,} steps in {clock(state.seconds)}; held-out score {state.best_score:.4f}, best after {state.best_step:,}."
    )
    common.say(
        f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB). Try: zoo sample --model {shlex.quote(str(out))} --nfe 18 --out samples.png"
    )
