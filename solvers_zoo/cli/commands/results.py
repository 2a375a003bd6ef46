"""``zoo results``: what was measured, filtered, grouped, ranked and exported."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.commands.bench import STORE, StoreOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from solvers_zoo.bench.export import Sheet
    from solvers_zoo.bench.results import Results


class Cost(StrEnum):
    """What a Pareto front weighs the error against."""

    nfe = "nfe"
    seconds = "seconds"


class Form(StrEnum):
    """What a table may be printed as."""

    csv = "csv"
    parquet = "parquet"
    json = "json"
    tex = "tex"
    md = "md"


def results(
    store: StoreOption = STORE,
    where: Annotated[
        str | None,
        typer.Option(metavar="CONDITION", help="Which cells: SQL over the columns; words need no quotes."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="The figure to rank by; by default the one most cells have.", autocompletion=common.completes("metric")
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN,..", help="Group by these; by default by all but the seed.")
    ] = None,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="Only the Pareto front: no other is at most as dear and at most as wrong.")
    ] = False,
    cost: Annotated[Cost, typer.Option(help="What the front weighs the error against.")] = Cost.nfe,
    sort: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Sort by a column; -COLUMN from the largest down.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Instead: failed and skipped cells by their reasons.")
    ] = False,
    cells: Annotated[
        bool, typer.Option("--cells", help="Instead: one row a cell, with everything that is known of it.")
    ] = False,
    sql: Annotated[
        str | None, typer.Option(metavar="QUERY", help="Instead: a SELECT on the tables results, long and figures.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option("--sweep", "--study", metavar="NAME", help="Only the cells of a sweep.")
    ] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Also cells that were computed anew since by changed code.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table to a .csv, .parquet, .json, .tex or .md file.")
    ] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Print the table on stdout in this form.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many rows.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Rank, filter and export what `zoo bench` measured.

    Errors are means over seeds, with their standard errors where there are several; beside them stands what exact samples show.

    [dim]Examples:[/dim]

    zoo results --where 'nfe <= 10 and model = digits' --metric sliced-w1

    zoo results --pareto --cost seconds --out front.tex

    zoo results --by solver,nfe --sort seconds --format csv

    zoo results --sql "SELECT solver, min(seconds) FROM results GROUP BY solver"
    """
    if sum((failed, cells, sql is not None)) > 1:
        raise common.misuse("Give one of --failed, --cells and --sql.")
    if (failed or cells or sql is not None) and (metric or by or pareto):
        raise common.misuse("--metric, --by and --pareto are for the ranking, not for --failed, --cells or --sql.")
    if sql is not None and where is not None:
        raise common.misuse("--where is not for --sql; put the condition into the query.")
    if json and (form is not None or out is not None):
        raise common.misuse("--json prints all there is to say; give it without --format and --out.")
    common.at_least_one(limit=limit)
    from solvers_zoo.bench.export import export, form_of, write

    if out is not None:
        form = form or Form(form_of(out))
        common.check_folder(out)
    with opened(store, sweep, stale) as found:
        data, sheet, note = _asked(found, where, metric, by, pareto, cost, sort, failed, cells, sql, limit)
    for damage in found.store.damage:
        common.stderr().print(f"Damaged: {damage}", style="yellow", soft_wrap=True, markup=False)
    if json:
        common.print_json({"rows": data, **note, "damaged": [str(damage) for damage in found.store.damage]})
    elif out is not None:
        write(out, data, sheet, form)
        common.say(f"Wrote {len(data):,} rows to {out}.")
    elif form is not None:
        sys.stdout.buffer.write(export(data, sheet, form))
        sys.stdout.flush()
    else:
        from solvers_zoo.cli.results_table import show

        show(sheet, note)


def opened(folder: Path, sweep: str | None, stale: bool) -> Results:
    """The cells of a store, or of one sweep in it.

    Raises:
        StorageError: no such folder.
        UnknownNameError: no such sweep.

    """
    import json

    from solvers_zoo.bench.results import Results
    from solvers_zoo.bench.store import Store
    from solvers_zoo.errors import StorageError, UnknownNameError

    store = Store(folder)
    if not folder.is_dir():
        raise StorageError(f"There is no store {folder}; `zoo bench --store {folder}` makes one.")
    keys = None
    if sweep is not None:
        sweeps = store.sweeps()
        if sweep not in sweeps:
            raise UnknownNameError("sweep", sweep, sweeps)
        keys = json.loads(sweeps[sweep])["keys"]
    return Results(store, keys, stale)


def _asked(
    found: Results,
    where: str | None,
    metric: str | None,
    by: str | None,
    pareto: bool,
    cost: str,
    sort: str | None,
    failed: bool,
    cells: bool,
    sql: str | None,
    limit: int | None,
) -> tuple[list[dict[str, Any]], Sheet, dict[str, Any]]:
    """The rows that were asked for, the same as they are read, and what is to be said of all."""
    from solvers_zoo.bench import ranking
    from solvers_zoo.cli.results_table import losses_sheet, plain_sheet, ranked_sheet

    note: dict[str, Any] = {"cells": found.count(where), "stale": found.stale}
    if sql is not None:
        data = _cut(found.sql(sql), sort, limit)
        return data, plain_sheet(data), {}
    if cells:
        data = _cut(found.rows(where), sort, limit)
        return data, plain_sheet(data), note
    lost = ranking.losses(found, where)
    if failed:
        data = _cut(lost, sort, limit)
        return data, losses_sheet(data), note
    for status in ("failed", "skipped"):
        note[status] = sum(row["cells"] for row in lost if row["status"] == status)
    chosen = ranking.pick_metric(found, metric, where)
    if chosen is None:
        return [], plain_sheet([]), note
    note |= {"metric": chosen, "unmeasured": ranking.unmeasured(found, chosen, where)}
    names = [word.strip() for word in by.split(",")] if by is not None else ranking.GROUPS
    data = ranking.ranked(found, chosen, where, names, cost)
    if pareto:
        data = sorted((row for row in data if row["front"]), key=_place(names, cost))
    data = _cut(data, sort, limit)
    return data, ranked_sheet(data, names, sections=sort is None, budgets=not pareto), note


def _place(names: Sequence[str], cost: str) -> Any:
    """Along each problem's front, from the cheapest to the dearest."""
    from solvers_zoo.bench.ranking import PROBLEM

    return lambda row: (*(str(row[name]) for name in names if name in PROBLEM), row[cost])


def _cut(data: list[dict[str, Any]], sort: str | None, limit: int | None) -> list[dict[str, Any]]:
    """Sorted by a column, rows without a value last, and cut to ``limit`` rows."""
    if sort is not None and data:
        name = sort.removeprefix("-")
        if name not in data[0]:
            from solvers_zoo.errors import UnknownNameError

            raise UnknownNameError("column", name, data[0])
        known = [row for row in data if row[name] is not None]
        known.sort(key=lambda row: row[name], reverse=sort.startswith("-"))
        data = known + [row for row in data if row[name] is None]
    return data[:limit]
