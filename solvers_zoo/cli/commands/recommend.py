"""``zoo recommend``: which solver, on which grid, for this model and this budget."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.commands.bench import STORE
from solvers_zoo.cli.executor_options import ExecutorOption, ExecutorSettings, executor_from

if TYPE_CHECKING:
    from solvers_zoo.bench.recommend import Advice, Standing


class Stochastic(StrEnum):
    """Whether solvers may draw noise."""

    no = "no"
    yes = "yes"
    any = "any"


def recommend(
    model: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="A model, or path/to/file.py:name for your own.",
            autocompletion=common.completes("model"),
        ),
    ],
    nfe: Annotated[int, typer.Option(help="The budget: network evaluations a sample.")] = 10,
    sde: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Forward process; the model's own by default.")
    ] = None,
    stochastic: Annotated[Stochastic, typer.Option(help="Whether solvers may draw noise.")] = Stochastic.any,
    denoise: Annotated[
        bool, typer.Option("--denoise", help="Count a last prediction of x0 among the evaluations.")
    ] = False,
    dtype: Annotated[str, typer.Option(help="float64, float32, bfloat16 or float16.")] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, ...")] = "cpu",
    limit: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time a single run may take.")] = None,
    store: Annotated[Path, typer.Option(metavar="DIR", help="Where finished runs are kept.")] = STORE,
    executor: ExecutorOption = None,
    executor_option: ExecutorSettings = None,
    plugin: common.PluginOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Find the best solver, grid and options for a model and a budget.

    Runs every solver that the budget pays for, the best of them on every grid, varies their options, and lets the best of all meet on
    fresh starts. Says by how much the winner wins, how sure that is, and how to use it.

    [dim]Examples:[/dim]

    zoo recommend --model digits --nfe 10

    zoo recommend --model path/to/mine.py:model --nfe 20 --stochastic no
    """
    found = common.registry(plugin)
    common.at_least_one(nfe=nfe)
    chosen = executor_from(found, executor, executor_option, cells=True)
    from solvers_zoo.bench.recommend import recommend as search
    from solvers_zoo.bench.store import Store
    from solvers_zoo.bench.sweep import Sweep
    from solvers_zoo.cli.progress import Rounds

    sweep = Sweep(
        sdes=(sde,) if sde else (),
        denoise=denoise,
        dtypes=(dtype,),
        device=device,
        limit=limit,
        plugins=tuple(plugin or ()),
        metrics=("strong",),
    )
    rounds = Rounds(wanted=not (quiet or json))
    try:
        with rounds:
            advice = search(model, nfe, Store(store), chosen, stochastic=str(stochastic), sweep=sweep, progress=rounds)
    except KeyboardInterrupt:
        raise common.Halt("Stopped; finished runs are kept, and the same command goes on from there.", 130) from None
    if json:
        common.print_json(_facts(advice, sweep))
    else:
        _print(advice, sweep)


def _lines(advice: Advice, sweep: Any) -> tuple[str, str]:
    """How to use the winner: on the command line, and in Python."""
    pick, denoise = advice.pick, sweep.denoise
    words = ["zoo", "sample", "--model", advice.model, *(["--sde", sweep.sdes[0]] if sweep.sdes else [])]
    words += [
        "--solver",
        pick.solver,
        "--grid",
        pick.grid,
        "--nfe",
        str(advice.nfe),
        *(["--denoise"] if denoise else []),
    ]
    last = ", denoise=True" if denoise else ""
    python = f'zoo.sample(model, solver="{pick.solver}", grid="{pick.grid}", nfe={advice.nfe}, n=1000{last})'
    return shlex.join(words), python


def _facts(advice: Advice, sweep: Any) -> dict[str, Any]:
    from dataclasses import asdict

    shell, python = _lines(advice, sweep)
    return {
        "model": advice.model,
        "nfe": advice.nfe,
        "metric": advice.metric,
        "pick": asdict(advice.pick),
        "tried": advice.tried,
        "note": advice.note,
        "standings": [asdict(one) for one in advice.standings],
        "shell": shell,
        "python": python,
    }


def _print(advice: Advice, sweep: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    console, pick = common.stdout(), advice.pick
    console.print(
        Text.assemble(
            "Use ",
            (pick.solver, "bold cyan"),
            " on the grid ",
            (pick.grid, "bold cyan"),
            f" for {advice.nfe} evaluations on {advice.model}.",
        ),
        soft_wrap=True,
    )
    console.print(Text(_verdict(advice)), soft_wrap=True)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for head, justify in (
        ("solver", "left"),
        ("grid", "left"),
        ("NFE", "right"),
        ("error", "right"),
        ("times the best", "left"),
    ):
        table.add_column(head, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for one in advice.standings:
        table.add_row(one.solver, one.grid, str(one.nfe), f"{one.error:.3g}", _times(one, pick))
    console.print()
    console.print(table)
    console.print()
    if pick.fit_nfe:
        console.print(Text(f"Its grid is fitted to the model first, with {pick.fit_nfe:,} evaluations, once.", "dim"))
    if advice.note:
        console.print(Text(advice.note, "dim"), soft_wrap=True)
    shell, python = _lines(advice, sweep)
    console.print(Text.assemble(("shell   ", "dim"), shell), soft_wrap=True)
    console.print(Text.assemble(("python  ", "dim"), python), soft_wrap=True)


def _times(one: Standing, pick: Standing) -> str:
    return "1" if one is pick else f"{one.ratio:.3g}  (95 %: {one.low:.3g} to {one.high:.3g})"


def _verdict(advice: Advice) -> str:
    what = {
        "strong": "root mean square distance from where the exact flow takes the same starts",
        "energy": "energy distance from the exact law",
    }[advice.metric]
    text = f"Its error is {advice.pick.error:.3g} ({what}), the least of {advice.tried} combinations of solver, grid and options. "
    if advice.rivals:
        near = ", ".join(f"{one.solver} on {one.grid}" for one in advice.rivals[:3])
        text += f"Chance may decide between it and {near}. "
    if advice.beaten is not None:
        rest = advice.beaten
        text += f"The next, {rest.solver} on {rest.grid}, has {rest.ratio:.3g} times as much (95 %: {rest.low:.3g} to {rest.high:.3g}, over 8 seeds)."
    return text
