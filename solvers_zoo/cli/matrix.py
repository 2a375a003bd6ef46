"""What ``zoo check`` found on many solvers, as one table; and the measured orders, stored with their plugins."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers_zoo.cli import common
from solvers_zoo.errors import PluginError, StorageError, UnknownNameError

if TYPE_CHECKING:
    from solvers_zoo.registry.loading import Entry
    from solvers_zoo.registry.registry import Registry
    from solvers_zoo.testing.report import Report

_WRITERS: dict[str, Any] = {}


def refuse(path: Path) -> None:
    """Refuse, before anything is measured, a table that could not be written.

    Raises:
        Halt: an ending that stands for no kind of table.
        StorageError: a folder that does not exist or cannot be written to.

    """
    if path.suffix not in _WRITERS:
        raise common.misuse(f"--out {path} is not possible; a table is written as {', '.join(_WRITERS)}.")
    try:
        with path.open("a"):
            pass
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror}. Name another file with --out.") from error


def rows(found: Registry, reports: Sequence[tuple[str, Report]]) -> list[dict[str, Any]]:
    """One row a solver: what its card claims, what was measured, and how many checks hold."""
    from solvers_zoo.testing.measured import FIGURES, figures_of

    table = []
    for subject, report in reports:
        entry = _entry(found, subject)
        row: dict[str, Any] = {"solver": entry.card.name if entry else subject}
        card: Any = entry.card if entry else None
        figures = figures_of(report)
        row["family"] = getattr(card, "family", "")
        row["evaluations"] = getattr(card, "evaluations", None)
        for figure in FIGURES:
            row[figure] = getattr(card, figure, None)
            row[f"measured {figure}"] = figures.get(figure)
        status = [finding.status for finding in report]
        row |= {"holds": status.count("pass"), "fails": status.count("fail"), "seconds": round(report.seconds, 2)}
        table.append(row)
    return table


def _entry(found: Registry, subject: str) -> Entry | None:
    try:
        return found.find("solver", subject)
    except UnknownNameError:  # a specification with options
        return None


def write(path: Path, table: list[dict[str, Any]]) -> None:
    """Write the table as its file's ending says."""
    try:
        path.write_text(_WRITERS[path.suffix](table))
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror}. Name another file with --out.") from error


def _json(table: list[dict[str, Any]]) -> str:
    return json.dumps(table, indent=1) + "\n"


def _csv(table: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def _markdown(table: list[dict[str, Any]]) -> str:
    lines = [list(table[0]), ["---"] * len(table[0]), *([_cell(value) for value in row.values()] for row in table)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


_WRITERS |= {".csv": _csv, ".json": _json, ".md": _markdown}


def refuse_to_store(found: Registry, subjects: Iterable[str]) -> None:
    """Refuse, before anything is measured, to store what belongs to no registered name.

    Raises:
        PluginError: a solver with options of its own.

    """
    for subject in subjects:
        if _entry(found, subject) is None:
            raise PluginError(
                f"--store keeps figures of registered solvers with their defaults; {subject} is another setting."
            )


def store(found: Registry, subject: str, report: Report, code: str) -> None:
    """Keep what was measured on a registered solver beside its plugin's package.

    Args:
        found: the registry.
        subject: the solver's name.
        report: what the kit found on it.
        code: the hash of the code that the whole kit examined; empty where only a part of the kit ran.

    Raises:
        StorageError: a package that cannot be written to.

    """
    from solvers_zoo.testing.measured import store as keep

    entry = found.find("solver", subject)
    keep(next(plugin for plugin in found.plugins if entry in plugin.entries), entry, report, code)
