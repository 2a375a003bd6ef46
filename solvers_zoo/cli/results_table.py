"""The tables of ``zoo results`` as they are read: on a terminal, in LaTeX and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from solvers_zoo.bench.export import Sheet
from solvers_zoo.bench.ranking import BUDGET, PROBLEM
from solvers_zoo.cli import common
from solvers_zoo.cli.words import measured

_Rows = Sequence[dict[str, Any]]


def ranked_sheet(data: _Rows, by: Sequence[str], sections: bool = True, budgets: bool = True) -> Sheet:
    """Groups with what they were measured at; problems and budgets are sections, and what all rows share stands in titles only."""
    apart = [name for name in by if name in PROBLEM] if sections else []
    at = [name for name in by if name in BUDGET] if budgets else []
    told = [
        name
        for name in by
        if name not in apart and name not in (*BUDGET, "nfe") and (name == "solver" or _varies(data, name))
    ]
    metric = data[0]["metric"] if data else "error"
    sampled = any(row["p"] is not None for row in data)
    several = any(row["cells"] > 1 for row in data)
    timed = any(row["seconds"] is not None for row in data)
    heads = (
        [("rank", True)] * (sections and budgets) + [(name, False) for name in told] + [("NFE", True), (metric, True)]
    )
    heads += [("exact samples", True), ("", False)] * sampled + [("time", True)] * timed + [("cells", True)] * several

    def texts(row: dict[str, Any]) -> tuple[str, ...]:
        error = f"{row['value']:.3g}" + (f" ± {row['se']:.1g}" if row["se"] is not None else "")
        words = (
            [str(row["rank"])] * (sections and budgets)
            + [_text(row[name]) for name in told]
            + [_text(row["nfe"]), error]
        )
        words += [f"{row['floor']:.3g}" if row["p"] is not None else "", _verdict(row)] * sampled
        return tuple(words + [measured(row["seconds"])] * timed + [str(row["cells"])] * several)

    parts = groupby(data, key=lambda row: tuple(row[name] for name in apart))
    found = tuple(
        (
            _title(apart, place),
            tuple(tuple(map(texts, part)) for _, part in groupby(rows, lambda row: [row[name] for name in at])),
        )
        for place, rows in parts
    )
    return Sheet(tuple(head for head, _ in heads), tuple(number for _, number in heads), found)


def losses_sheet(data: _Rows) -> Sheet:
    """What failed and was skipped, and why."""
    rows = tuple(
        (
            row["status"],
            str(row["cells"]),
            row["kind"],
            row["reason"],
            _several(row["solvers"]),
            _several(row["models"]),
        )
        for row in data
    )
    heads = ("status", "cells", "kind", "reason", "solvers", "models")
    return Sheet(heads, tuple(head == "cells" for head in heads), (("", (rows,)),))


def plain_sheet(data: _Rows) -> Sheet:
    """Any rows as they are."""
    heads = tuple(data[0]) if data else ()
    numbers = tuple(all(isinstance(row[head], int | float | None) for row in data) for head in heads)
    return Sheet(heads, numbers, (("", (tuple(tuple(_text(value) for value in row.values()) for row in data),)),))


def show(sheet: Sheet, note: dict[str, Any]) -> None:
    """Print a table, and below it what it leaves out."""
    from rich.table import Table
    from rich.text import Text

    console = common.stdout()
    for title, parts in sheet.sections:
        name, _, rest = title.partition(" · ")
        if title:
            console.print(Text.assemble((name, "bold cyan"), "  ", (rest, "dim")), soft_wrap=True)
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for head, number in zip(sheet.heads, sheet.numbers, strict=True):
            table.add_column(
                Text(head), justify="right" if number else "left", overflow="fold", style=_STYLES.get(head, "")
            )
        for place, rows in enumerate(parts):
            for row in [()] * (place > 0) + list(rows):
                table.add_row(*(Text(text, "green" if text == "ties exact" else "") for text in row))
        console.print(table)
        console.print()
    for line in _notes(note, sum(len(rows) for _, parts in sheet.sections for rows in parts)):
        common.say(line, "dim")


_STYLES = {"solver": "green", "rank": "dim", "grid": "dim", "cells": "dim"}


def _notes(note: dict[str, Any], shown: int) -> list[str]:
    if not note:
        return []
    lines = [
        f"{note['cells']:,} cells"
        + "".join(f", {note[word]:,} {word}" for word in ("failed", "skipped") if note.get(word))
        + "."
    ]
    if note.get("failed") or note.get("skipped"):
        lines[0] += " `zoo results --failed` says why."
    for reason, count in note.get("unmeasured", {}).items():
        lines.append(f"{count:,} without {note['metric']}: {reason}.")
    if note["stale"]:
        lines.append(f"{note['stale']:,} older cells were computed anew since by changed code; --stale shows them too.")
    if note["cells"] and not shown and "metric" not in note:
        lines.append("No figure was measured.")
    return lines


def _varies(data: _Rows, name: str) -> bool:
    return len({row[name] for row in data}) > 1


def _title(names: Sequence[str], values: Sequence[Any]) -> str:
    words = {"n": "n = {}", "start": "start {}"}
    parts = [
        "denoised" if name == "denoise" else words.get(name, "{}").format(_text(value))
        for name, value in zip(names, values, strict=True)
        if name != "denoise" or value
    ]
    return " · ".join(parts)


def _verdict(row: dict[str, Any]) -> str:
    if row["p"] is None:
        return ""
    return "ties exact" if row["ties"] else f"{row['z']:.3g} sd above" if row["z"] is not None else "differs"


def _several(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _text(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
