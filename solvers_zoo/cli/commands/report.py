"""``zoo report``: a page about finished cells, and its charts as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.commands.bench import STORE, StoreOption
from solvers_zoo.cli.progress import Progress

if TYPE_CHECKING:
    from solvers_zoo.bench.record import Record
    from solvers_zoo.bench.store import Store

_FORMS, _SCHEMES = ("png", "svg", "pdf", "html"), ("light", "dark")


def report(
    store: StoreOption = STORE,
    sweep: Annotated[
        str | None, typer.Option("--sweep", "--study", metavar="NAME", help="Only the cells of a sweep.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION", help="Which cells, as in `zoo results`: SQL over the columns; words need no quotes."
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="The figure that the answer speaks of; by default the preferred one.",
            autocompletion=common.completes("metric"),
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page.", show_default=True)] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Its title.")] = None,
    samples: Annotated[bool, typer.Option("--samples/--no-samples", help="Show samples.")] = True,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the charts to files too; only those of --metric if it is given."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="png,svg,pdf", help="What the files are; html is possible too.")
    ] = "png",
    scheme: Annotated[
        str, typer.Option(metavar="light|dark", help="Colours of the files; the page has both.")
    ] = "light",
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Write what `zoo bench` found as one page that people can read, sort and filter, with or without a network.

    Work-precision diagrams, ranking, orders of convergence, samples, what failed and why, and how to do it again.

    [dim]Examples:[/dim]

    zoo report --open

    zoo report --where 'model = digits and nfe <= 20' --metric sliced-w1 --out digits.html

    zoo report --figures figures --format png,svg,pdf
    """
    forms = [word.strip() for word in form.split(",")]
    if wrong := [word for word in forms if word not in _FORMS]:
        raise common.misuse(f"--format {wrong[0]!r} is not possible; it takes {', '.join(_FORMS)}.")
    if scheme not in _SCHEMES:
        raise common.misuse(f"--scheme {scheme!r} is not possible; it is light or dark.")
    common.check_out("--out", out, (".html", ".htm"), "the page is a .html file")
    from solvers_zoo.bench.report import write_figures, write_report

    found, records = _records(store, sweep, where)
    with Progress("samples", wanted=not json, unit="cells") as progress:
        write_report(
            records,
            out,
            title=title or _title(sweep),
            metric=metric,
            samples=found.samples if samples else None,
            sweeps=found.sweeps(),
            store=str(store),
            step=progress,
        )
    paths = []
    if figures is not None:
        with Progress("figures", wanted=not json, unit="files") as progress:
            paths = write_figures(
                records, figures, forms, metric=metric, scheme="dark" if scheme == "dark" else "light", step=progress
            )
    for damage in found.damage:
        common.stderr().print(f"Damaged: {damage}", style="yellow", soft_wrap=True, markup=False)
    size = out.stat().st_size
    if json:
        facts = {"page": str(out), "bytes": size, "cells": len(records), "figures": [str(path) for path in paths]}
        common.print_json(facts | {"damaged": [str(damage) for damage in found.damage]})
    else:
        common.say(f"Wrote {out}: {len(records):,} cells, {size / 1e6:.1f} MB. It needs no network.")
        if paths:
            common.say(f"Wrote {len(paths)} figures to {figures}.")
    if show:
        import webbrowser

        webbrowser.open(out.resolve().as_uri())


def _records(folder: Path, sweep: str | None, where: str | None) -> tuple[Store, list[Record]]:
    """The cells that were asked for, those of changed code left out where they were computed anew."""
    from solvers_zoo.cli.commands.results import opened
    from solvers_zoo.errors import StorageError

    with opened(folder, sweep, stale=False) as results:
        keys = [str(row["key"]) for row in results.query(f"SELECT key FROM results {results.filter(where)}")]
        store = results.store
    records = [record for key in keys if (record := store.get(key)) is not None]
    if not records:
        raise StorageError(
            f"{folder} has no cell{' that fulfils --where' if where else ''}; `zoo bench --store {folder}` computes some, and `zoo results "
            f"--store {folder}` shows what there is."
        )
    return store, records


def _title(sweep: str | None) -> str:
    return f"{sweep}: which solver?" if sweep else "Which solver?"
