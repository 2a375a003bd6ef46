"""``zoo sample``: one run, what it cost, how good it is, and a picture of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.executor_options import ExecutorOption, ExecutorSettings
from solvers_zoo.cli.request import MODEL, SAMPLES, Dtype, Request, Start, check
from solvers_zoo.registry import defaults


def sample(
    solver: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help=f"Solver, with options as ddim:eta=0.5.  [dim]\\[default: {defaults.SOLVER}][/dim]",
            autocompletion=common.completes("solver"),
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            show_default="ring",
            autocompletion=common.completes("model"),
            help="Ready-made model, a trained one as mine.safetensors:guidance=2, or path/to/file.py:name for a score model (or a function that makes one).",
        ),
    ] = MODEL,
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
        typer.Option("-n", "--samples", help=f"Number of samples.  [dim]\\[default: {SAMPLES}][/dim]"),
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
    executor: ExecutorOption = None,
    executor_option: ExecutorSettings = None,
    shard: Annotated[
        int | None,
        typer.Option(help="Draw in parts of so many samples; finished parts are kept, and the same command goes on."),
    ] = None,
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

    zoo sample --model digits -n 50000 --executor processes --out digits.npz
    """
    request = Request(
        solver,
        model,
        sde,
        grid,
        steps,
        nfe,
        n,
        shape,
        seed,
        start,
        denoise,
        dtype,
        chunk,
        brownian,
        out,
        resume,
        executor,
        executor_option,
        shard,
        plugin or [],
    )
    settings, made = check(request)  # everything that can be refused before torch is even imported
    from solvers_zoo.cli import draw, outcome

    built, result, denoised = draw.draw(request, settings, made, progress=not (quiet or json))
    report = outcome.assess(built, result, request, denoised)
    if out is not None:
        report.save(out)
    if json:
        common.print_json(report.facts())
    else:
        report.print(picture=not quiet)
