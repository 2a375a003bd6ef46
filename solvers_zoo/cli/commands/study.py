"""``zoo study``: repeat an experiment of the lectures, draw its figure and check what it claims."""

from __future__ import annotations

import csv
import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.progress import Progress

if TYPE_CHECKING:
    from solvers_zoo.bench.experiment import Check, Experiment, Findings

_FIGURES, _TABLES = (".html", ".png", ".svg", ".pdf"), (".csv", ".json")


def study(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|list", help="A study, or `list` for all of them.", autocompletion=common.completes("study")
        ),
    ],
    quick: Annotated[bool, typer.Option("--quick", help="A smaller form that takes seconds.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the figure (.html, .png, .svg, .pdf); others of it beside it."),
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the data (.csv, .json).")] = None,
    option: Annotated[
        list[str] | None, typer.Option("-o", "--option", metavar="NAME=VALUE", help="An option; repeatable.")
    ] = None,
    plugin: common.PluginOption = None,
    json: common.JsonOption = False,
) -> None:
    r"""Repeat an experiment of the lectures: run it, draw it, and check what is claimed.

    Exits with 1 if an acceptance figure is missed.

    [dim]Examples:[/dim]

    zoo study list

    zoo study ranking --quick --out ranking.png

    zoo study huang -o dims=\[8] -o mixtures=2 --data huang.csv
    """
    if name == "list":
        from solvers_zoo.cli.commands.listing import list_

        list_(common.PluralName("studies"), None, None, None, plugin, json)
        return
    common.check_out("--out", out, _FIGURES)
    common.check_out("--data", data, _TABLES)
    experiment: Experiment = common.registry(plugin).make("study", _specification(name, option or []))
    with Progress(experiment.card.name, wanted=not json, unit="runs") as progress:
        findings = experiment.run(progress, quick)
    if data is not None:
        _write_rows(data, findings.rows)
    figures = _draw(findings, out) if out is not None else []
    if json:
        common.print_json(_facts(experiment, findings, quick, figures))
    else:
        _print(experiment, findings, [*figures, *([data] if data is not None else [])])
    if not findings.holds:
        raise typer.Exit(1)


def _specification(name: str, options: list[str]) -> str:
    if not options:
        return name
    for text in options:
        if "=" not in text:
            raise common.misuse(f"--option {text!r} is not possible; it takes NAME=VALUE.")
    if "(" in name or "=" in name:
        raise common.misuse("Give options in the study's name or with --option, not both.")
    return f"{name}({', '.join(options)})"


def _draw(findings: Findings, out: Path) -> list[Path]:
    """Write every chart: the first to ``out``, others beside it with their names."""
    from solvers_zoo.charts import save

    paths = []
    for index, (name, make) in enumerate(findings.charts.items()):
        path = out if index == 0 else out.with_name(f"{out.stem}-{name}{out.suffix}")
        save(make(), path)
        paths.append(path)
    return paths


def _write_rows(path: Path, rows: Any) -> None:
    from solvers_zoo.errors import StorageError

    try:
        with path.open("w", newline="") as file:
            if path.suffix == ".json":
                json_.dump(common.plain(rows), file, indent=1)
                return
            names = list(dict.fromkeys(name for row in rows for name in row))
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror}. Name another file with --data.") from error


def _facts(experiment: Experiment, findings: Findings, quick: bool, figures: list[Path]) -> dict[str, Any]:
    return {
        "study": str(experiment),
        "title": experiment.card.title,
        "claim": experiment.card.claim,
        "source": str(experiment.card.source),
        "quick": quick,
        "holds": findings.holds,
        "checks": [{**vars(check), "holds": check.holds} for check in findings.checks],
        "notes": list(findings.notes),
        "figures": [str(path) for path in figures],
        "rows": list(findings.rows),
    }


def _print(experiment: Experiment, findings: Findings, files: list[Path]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = common.stdout()
    console.print(Text.assemble((str(experiment), "bold cyan"), "  ", (experiment.card.title, "bold")), soft_wrap=True)
    console.print(Text(experiment.card.claim))
    console.print(Text(str(experiment.card.source), "dim"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("figure", style="cyan", no_wrap=True)
    table.add_column("what it shows")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("wanted", justify="right", no_wrap=True)
    for check in findings.checks:
        mark = Text("✓", "green") if check.holds else Text("✗", "bold red")
        table.add_row(mark, Text(check.name), Text(check.claim), _number(check), Text(check.wanted))
    console.print(table)
    for note in findings.notes:
        console.print(Text(note, "dim"))
    good = sum(check.holds for check in findings.checks)
    style = "bold green" if findings.holds else "bold red"
    console.print(Text(f"{good} of {len(findings.checks)} figures hold.", style))
    for path in files:
        console.print(Text(f"Wrote {path}."), soft_wrap=True)


def _number(check: Check) -> Any:
    from rich.text import Text

    return Text(f"{check.value:.4g}", "" if check.holds else "bold red")
