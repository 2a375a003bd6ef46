"""``zoo bench``: a sweep, computed where it is not yet, and its ranking."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.models import OptionInfo

from solvers_zoo.cli import common
from solvers_zoo.cli.executor_options import ExecutorOption, ExecutorSettings, executor_from
from solvers_zoo.errors import OptionError
from solvers_zoo.registry.spec import split_list
from solvers_zoo.storage.files import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from solvers_zoo.bench.sweep import Sweep

STORE = Path("zoo-results")

StoreOption = Annotated[Path, typer.Option(metavar="DIR", help="Where finished cells are kept.", show_default=True)]


def _each(kind: str, help: str) -> OptionInfo:
    """The option that takes one thing of a kind, and may be given again."""
    completes = common.completes(kind)
    option: OptionInfo = typer.Option(metavar="SPEC", help=f"{help}; repeatable.", autocompletion=completes)
    return option


_LIST = "SPEC,.."
_NUMBERS = "N,.."


def bench(
    solver: Annotated[list[str] | None, _each("solver", "A solver")] = None,
    solvers: Annotated[str | None, typer.Option(metavar=_LIST, help="Solvers, comma-separated.")] = None,
    model: Annotated[list[str] | None, _each("model", "A model, or path/to/file.py:name")] = None,
    models: Annotated[str | None, typer.Option(metavar=_LIST, help="Models, comma-separated.")] = None,
    sde: Annotated[list[str] | None, _each("sde", "A forward process; each model's own by default")] = None,
    sdes: Annotated[str | None, typer.Option(metavar=_LIST, help="Forward processes, comma-separated.")] = None,
    grid: Annotated[
        list[str] | None, _each("grid", "A grid rule, or times as 80,10,1; each process's own by default")
    ] = None,
    grids: Annotated[str | None, typer.Option(metavar=_LIST, help="Grid rules, comma-separated.")] = None,
    nfe: Annotated[
        str | None,
        typer.Option(
            metavar=_NUMBERS, help="Budgets of network evaluations a sample.  [dim]\\[default: 5,8,10,20][/dim]"
        ),
    ] = None,
    steps: Annotated[str | None, typer.Option(metavar=_NUMBERS, help="Numbers of steps instead of budgets.")] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar=_NUMBERS, help="Seeds; cells of one seed share start and noise.  [dim]\\[default: 0][/dim]"
        ),
    ] = None,
    dtypes: Annotated[
        str | None,
        typer.Option(metavar=_LIST, help="float64, float32, bfloat16, float16.  [dim]\\[default: float32][/dim]"),
    ] = None,
    n: Annotated[
        int | None, typer.Option("-n", "--samples", help="Samples a cell.  [dim]\\[default: 2000][/dim]")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="WORD", help="exact, prior, or auto: exact where the law is known.  [dim]\\[default: auto][/dim]"
        ),
    ] = None,
    denoise: Annotated[
        bool | None, typer.Option("--denoise/--no-denoise", help="End with the prediction of x0.")
    ] = None,
    metric: Annotated[list[str] | None, _each("metric", "A metric; the default ones if none is given")] = None,
    metrics: Annotated[str | None, typer.Option(metavar=_LIST, help="Metrics, comma-separated.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Timed repeats a cell.  [dim]\\[default: 3][/dim]")] = None,
    limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time a cell may take; no limit by default.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...  [dim]\\[default: cpu][/dim]")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A sweep in a .toml or .yaml file; options win.")
    ] = None,
    write_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the sweep to a .toml or .yaml file, and run nothing.")
    ] = None,
    store: StoreOption = STORE,
    name: Annotated[str | None, typer.Option(help="What the sweep is called in the store.")] = None,
    executor: ExecutorOption = None,
    executor_option: ExecutorSettings = None,
    force: Annotated[bool, typer.Option("--force", help="Compute finished cells anew.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Compute failed cells anew.")] = False,
    rank_by: Annotated[str | None, typer.Option(metavar="METRIC", help="What to rank by.")] = None,
    overhead: Annotated[
        bool, typer.Option("--overhead", help="Instead: solver time a step, against the floor and other libraries.")
    ] = False,
    shape: Annotated[
        list[str] | None, typer.Option(metavar="B,C,H,W", help="With --overhead: shape of the state; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --overhead: the table as .md, .csv or .json.")
    ] = None,
    plugin: common.PluginOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Compare solvers: error against evaluations and seconds, beside what exact samples show.

    Finished cells are kept in the store, so the same command goes on where it was stopped and computes only what is missing.
    `zoo results` filters and exports them, `zoo report` makes a page of them.

    [dim]Examples:[/dim]

    zoo bench --solvers heun,dpmpp-2m,unipc-3 --nfe 5,8,10,20 --models mixture-5,digits

    zoo bench --solver ddim:eta=0.5 --solver ancestral --seeds 0,1,2 --write-config sweep.toml

    zoo bench --config sweep.toml --executor slurm --executor-option partition=gpu

    zoo bench --overhead --solvers heun,dpmpp-2m
    """
    found = common.registry(plugin)
    given: dict[str, Any] = {
        "solvers": _specs(solver, solvers),
        "models": _specs(model, models),
        "sdes": _specs(sde, sdes),
        "grids": _specs(grid, grids),
        "metrics": _specs(metric, metrics),
        "nfe": _integers("--nfe", nfe),
        "steps": _integers("--steps", steps),
        "seeds": _integers("--seeds", seeds),
        "dtypes": tuple(split_list(dtypes)) if dtypes else None,
        "n": n,
        "start": start,
        "denoise": denoise,
        "repeats": repeats,
        "limit": limit,
        "device": device,
        "plugins": tuple(plugin) if plugin else None,
    }
    if overhead:
        from solvers_zoo.cli.commands.overhead import show

        return show(given["solvers"], shape or [], out, json, quiet)
    if shape or out:
        raise common.misuse("--shape and --out go with --overhead; `zoo results --out FILE` exports a sweep.")
    if force and retry:
        raise common.misuse("Give --force or --retry, not both: --force computes all cells anew.")
    sweep = _sweep(config, given)
    if write_config is not None:
        return _write(sweep, write_config)
    chosen = executor_from(found, executor, executor_option, cells=True)
    from solvers_zoo.cli.sweep import run_sweep

    return run_sweep(sweep, chosen, store, name, "all" if force else "failed" if retry else "", rank_by, quiet, json)


def _specs(each: Sequence[str] | None, many: str | None) -> tuple[str, ...] | None:
    """Specifications of the singular option as they are, and of the plural one split on commas outside parentheses."""
    specs = (*(each or ()), *(split_list(many) if many else ()))
    return specs or None


def _integers(name: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise common.misuse(f"{name} {text!r} is not possible; it takes whole numbers, as in 5,8,10.") from None


def _sweep(config: Path | None, given: dict[str, Any]) -> Sweep:
    import dataclasses

    from solvers_zoo.bench.sweep import Sweep

    sweep = Sweep.read(config) if config is not None else Sweep()
    set_here = {field: value for field, value in given.items() if value is not None}
    if {"nfe", "steps"} <= set_here.keys():
        raise common.misuse("Give --nfe or --steps, not both.")
    if "nfe" in set_here or "steps" in set_here:  # one replaces the other of a file
        set_here = {"nfe": (), "steps": ()} | set_here
    try:
        return dataclasses.replace(sweep, **set_here)
    except OptionError as error:
        raise common.misuse(str(error)) from None


def _write(sweep: Sweep, path: Path) -> None:
    common.check_ending("--write-config", path, (".toml", ".yaml", ".yml"), "it can end in .toml or .yaml")
    text = sweep.text("toml" if path.suffix == ".toml" else "yaml")
    replace(path, lambda file: file.write(text.encode()))
    common.say(f"Wrote {path}; zoo bench --config {path} runs it.")
