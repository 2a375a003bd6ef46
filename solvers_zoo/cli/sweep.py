"""A sweep as people watch it: progress, the best so far, and at the end who won."""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Shown
from rich.text import Text

from solvers_zoo.bench.machine import machine
from solvers_zoo.bench.ranking import Score, Table, metric_of, tables
from solvers_zoo.bench.record import FAILED, SKIPPED, Record
from solvers_zoo.bench.run import Outcome, bench
from solvers_zoo.bench.store import Store
from solvers_zoo.cli import common
from solvers_zoo.cli.progress import PATIENCE
from solvers_zoo.cli.words import took
from solvers_zoo.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

    from solvers_zoo.bench.sweep import Sweep
    from solvers_zoo.executors.base import Executor

#: Seconds between looks at the best so far, and contestants shown there.
_REFRESH, _LEADERS = 1.0, 8


def run_sweep(
    sweep: Sweep,
    executor: Executor,
    folder: Path,
    name: str | None,
    again: str,
    rank_by: str | None,
    quiet: bool,
    json: bool,
) -> None:
    """Run a sweep, show how it goes, and print its tables.

    Raises:
        Halt: some cells failed, which is exit status 1; the rest is finished and kept.

    """
    store = Store(folder)
    watch = _Watch(rank_by, wanted=not (quiet or json) and common.stderr().is_terminal)
    try:
        with watch:
            outcome = bench(sweep, store, executor, name=name, again=again, finished=watch)
    except KeyboardInterrupt:
        finished = len(watch.records)
        raise common.Halt(
            f"Stopped; {finished} finished cells are kept, and the same command goes on from there.", 130
        ) from None
    for damage in store.damage:
        common.stderr().print(f"Warning: {damage}", style="yellow", soft_wrap=True, markup=False)
    metric = metric_of(outcome.records, rank_by)
    ranked = tables(outcome.records, metric) if metric is not None else []
    if rank_by is not None and not ranked and outcome.done:
        measured = sorted({name for record in outcome.records for name in record.result["figures"]})
        raise OptionError(f"--rank-by {rank_by} was not measured; there is {', '.join(measured)}.")
    if json:
        common.print_json(_facts(sweep, folder, outcome, ranked))
    else:
        _print(folder, outcome, ranked, _changed(store, outcome) if outcome.missing else 0)
    if outcome.failed:
        raise common.Halt(_failures(outcome), 1)


class _Watch:
    """Progress, the time left and the best so far on a terminal, once the sweep has lasted."""

    def __init__(self, rank_by: str | None, wanted: bool) -> None:
        self.rank_by, self.wanted, self.began = rank_by, wanted, perf_counter()
        self.records: list[Record] = []
        self.live: Live | None = None
        self.drawn = 0.0
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("cells"),
            TimeRemainingColumn(),
        )

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def __call__(self, record: Record, done: int, total: int) -> None:
        """Take note of a finished cell."""
        self.records.append(record)
        now = perf_counter()
        if not self.wanted or now - self.began < PATIENCE:
            return
        if self.live is None:
            self.live = Live(self.bar, console=common.stderr(), transient=True)
            self.bar.add_task("benchmark", total=total, completed=done)
            self.live.start()
        self.bar.update(self.bar.task_ids[0], completed=done, total=total)
        if now - self.drawn > _REFRESH or done == total:
            self.drawn = now
            metric = metric_of(self.records, self.rank_by)
            found = tables(self.records, metric) if metric is not None else []
            self.live.update(
                Group(*(part for table in found for part in (heading(table), league(table, _LEADERS))), self.bar)
            )


def heading(table: Table) -> Text:
    """The problem of a table, in a line."""
    problem = table.problem
    facts = f"  {problem.sde} · {problem.dtype} · start {problem.start}"
    return Text.assemble((problem.model, "bold cyan"), (facts, "dim"))


def league(table: Table, most: int | None = None) -> Shown:
    """A table as rich shows it: contestants down, budgets across, the least error of each in bold."""
    shown = Shown(box=None, header_style="bold", padding=(0, 2, 0, 0))
    contestants = list(table.scores)[:most]
    grids = {who.grid for who in table.scores}
    shown.add_column(table.metric, style="green", overflow="fold")
    if len(grids) > 1:
        shown.add_column("grid", style="dim", overflow="fold")
    for budget in table.budgets:
        shown.add_column(budget.replace("nfe", "NFE") if budget != "any" else "error", justify="right", no_wrap=True)
    for who in contestants:
        scores = table.scores[who]
        cells = [_cell(scores.get(budget), table.best(budget) == who) for budget in table.budgets]
        shown.add_row(who.solver, *([who.grid] if len(grids) > 1 else []), *cells)
    return shown


def _cell(score: Score | None, best: bool) -> Text:
    if score is None:
        return Text("–", "dim")
    text = Text(f"{score.error:.3g}", "bold" if best else "")
    return text.append(" ≈", "green") if score.ties else text


def _changed(store: Store, outcome: Outcome) -> int:
    """How many cells had to be computed anew because the store holds them as other code computed them."""
    keys = {record.key for record in outcome.records}
    return len({each.cell for each in store.records() if each.cell in outcome.missing and each.key not in keys})


def _print(folder: Path, outcome: Outcome, ranked: list[Table], changed: int) -> None:
    console = common.stdout()
    for table in ranked:
        console.print(heading(table), soft_wrap=True)
        console.print(league(table))
        console.print()
    if ranked:
        common.say(
            "The least error of each budget is bold, the best of all budgets comes first." + _tie_note(ranked), "dim"
        )
    left = len(outcome.records) - outcome.fresh
    kept = f", {left} of them found in the store" if left else ""
    ended = "".join(f", {outcome.count(word)} {word}" for word in (SKIPPED, FAILED) if outcome.count(word))
    common.say(f"{len(outcome.records)} cells{kept}{ended}; {took(outcome.seconds)} on {machine()['cpu']}.", "dim")
    if changed:
        common.say(
            f"Computed anew: {changed} {'cell' if changed == 1 else 'cells'} of the store, because the code behind them has "
            "changed since; zoo results --stale shows both.",
            "dim",
        )
    for reason, count in Counter(
        record.result["reason"] for record in outcome.records if record.status == SKIPPED
    ).items():
        common.say(f"Skipped {count}: {reason}", "dim")
    store = "" if str(folder) == "zoo-results" else f" --store {folder}"
    common.say(f"Next: zoo report{store}   zoo results{store} --pareto", "dim")


def _tie_note(ranked: list[Table]) -> str:
    ties = any(score.ties for table in ranked for scores in table.scores.values() for score in scores.values())
    return " ≈ ties exact samples." if ties else ""


def _failures(outcome: Outcome) -> str:
    failed = [record for record in outcome.records if record.status == FAILED]
    reasons = Counter(f"{record.cell.solver} on {record.cell.model}: {record.result['reason']}" for record in failed)
    words = "; ".join(f"{reason} ({count} cells)" if count > 1 else reason for reason, count in reasons.most_common(3))
    more = f"; and {len(reasons) - 3} other reasons" if len(reasons) > 3 else ""
    return f"{len(failed)} of {len(outcome.records)} cells failed, the others are kept: {words}{more}. --retry computes them anew."


def _facts(sweep: Sweep, folder: Path, outcome: Outcome, ranked: list[Table]) -> dict[str, Any]:
    return {
        "study": sweep.facts(),  # the key of 0.1.0, which scripts read
        "store": str(folder),
        "cells": len(outcome.records),
        "computed": outcome.fresh,
        "seconds": outcome.seconds,
        "tables": [_table_facts(table) for table in ranked],
        **{
            word: [
                {"key": record.key, **record.cell.facts(), "reason": record.result["reason"]}
                for record in outcome.records
                if record.status == word
            ]
            for word in (FAILED, SKIPPED)
        },
    }


def _table_facts(table: Table) -> dict[str, Any]:
    rows = [
        {
            "solver": who.solver,
            "grid": who.grid,
            "budget": budget,
            **{name: getattr(score, name) for name in ("error", "floor", "ties", "spread", "nfe", "seconds")},
        }
        for who, scores in table.scores.items()
        for budget, score in scores.items()
    ]
    return {
        **{name: getattr(table.problem, name) for name in ("model", "sde", "dtype", "start")},
        "metric": table.metric,
        "rows": rows,
    }
