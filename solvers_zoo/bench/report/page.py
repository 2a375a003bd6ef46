"""The report as one file of HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import metadata, resources
from pathlib import Path
from string import Template
from typing import Any

from solvers_zoo.bench.record import DONE, FAILED, SKIPPED, Record
from solvers_zoo.bench.report.answer import paragraph
from solvers_zoo.bench.report.background import machines, recipes
from solvers_zoo.bench.report.data import Arena, arenas
from solvers_zoo.bench.report.figures import figures
from solvers_zoo.bench.report.gallery import Read, galleries
from solvers_zoo.bench.report.payload import payload
from solvers_zoo.charts.bundle import bundle, script_json
from solvers_zoo.charts.save import POLICY, save
from solvers_zoo.charts.theme import Scheme
from solvers_zoo.storage.files import make_folder, replace

#: In the order in which the page runs them: what a script uses stands before it.
_SCRIPTS = ("core.js", "charts.js", "legend.js", "tables.js", "gallery.js", "rest.js")


def write_report(
    records: Sequence[Record],
    path: str | Path,
    *,
    title: str = "Which solver?",
    metric: str | None = None,
    samples: Read | None = None,
    sweeps: Mapping[str, str] | None = None,
    store: str = "zoo-results",
    step: Callable[[int, int], None] = lambda done, total: None,
    made: datetime | None = None,
) -> Path:
    """Write a page about finished cells: HTML in one file that loads nothing, from one cell to many thousands.

    Args:
        records: the cells, failed and skipped ones too.
        path: where to; a file that is there is replaced in one stroke.
        title: of the page.
        metric: the one that the answer speaks of; the preferred one of those measured if None.
        samples: gives the samples kept of a cell by its key; no samples are shown if None.
        sweeps: texts of sweeps by name, as a store has them, which tell how to compute the cells again.
        store: the store's folder, as commands name it.
        step: called with (cells whose samples were read, cells to be read).
        made: time of day of the report; now if None.

    Raises:
        OptionError: a metric that was not measured.
        StorageError: the page cannot be written, or samples cannot be read.

    """
    records = sorted(records, key=_place)
    found = arenas(records, metric)
    shown = galleries(found, samples, step) if samples is not None else [None] * len(found)
    facts = payload(records, found, shown, recipes(records, sweeps or {}, store))
    page = resources.files("solvers_zoo.bench.report") / "page"
    script = "\n".join((page / name).read_text("utf-8") for name in _SCRIPTS)
    parts = {
        "policy": POLICY,
        "title": escape(title),
        "meta": escape(_meta(records, found, made or datetime.now(UTC))),
        "answer": paragraph(found),
        "version": escape(metadata.version("solvers-zoo")),
        "style": (page / "page.css").read_text("utf-8"),
        "bundle": bundle(),
        "data": script_json(facts),
        "script": f"(() => {{\n{script}}})();",
    }
    text = Template((page / "page.html").read_text("utf-8")).substitute(parts).encode()
    path = Path(path)
    replace(path, lambda file: file.write(text))
    return path


def write_figures(
    records: Sequence[Record],
    folder: str | Path,
    forms: Sequence[str] = ("png",),
    *,
    metric: str | None = None,
    scheme: Scheme = "light",
    step: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Write the report's charts of every problem and metric to files in a folder, which is made.

    Args:
        records: the cells.
        folder: where to.
        forms: ``png``, ``svg``, ``pdf`` or ``html``, any of them.
        metric: only this one; all if None.
        scheme: ``light`` or ``dark``.
        step: called with (files written, files).

    Raises:
        OptionError: a metric that was not measured.
        StorageError: a file cannot be written.

    """
    folder = Path(folder)
    make_folder(folder)
    wanted = list(figures(arenas(sorted(records, key=_place), metric), metric))
    paths = []
    for name, make in wanted:
        drawn = make()
        for form in forms:
            paths.append(save(drawn, folder / f"{name}.{form}", scheme=scheme))
            step(len(paths), len(wanted) * len(forms))
    return paths


def _place(record: Record) -> tuple[Any, ...]:
    """Where a cell stands among others: problems one after another, in each the cheapest first."""
    cell = record.cell
    return cell.model, cell.sde, cell.dtype, cell.nfe or cell.steps or 0, cell.solver, cell.grid, cell.seed, record.key


def _meta(records: Sequence[Record], found: Sequence[Arena], made: datetime) -> str:
    """The line below the title: how much was computed, where and when."""
    counts = [(sum(record.status == status for record in records), status) for status in (DONE, FAILED, SKIPPED)]
    solvers = {record.cell.solver for record in records if record.status == DONE}
    models = {arena.problem.model for arena in found}
    on = machines(records)
    words = [
        ", ".join(
            f"{count} cells {status}" if status == DONE else f"{count} {status}"
            for count, status in counts
            if count or status == DONE
        ),
        f"{len(solvers)} {'solver' if len(solvers) == 1 else 'solvers'}",
        ", ".join(sorted(models)) if len(models) <= 4 else f"{len(models)} models",
        (str(on[0].get("cpu", "")) + (f" and {len(on) - 1} more" if len(on) > 1 else "")) if on else "",
        f"{made.day} {made:%B %Y}",
    ]
    return " · ".join(word for word in words if word)
