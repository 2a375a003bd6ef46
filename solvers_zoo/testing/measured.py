"""Measured figures beside the claims, and the evidence that all claims held: what the conformance kit found, stored with each plugin.

A plugin's package may hold a file ``measured.json``, {solver: {figure: value}}, which ``zoo check --all --store`` writes and
``zoo list`` shows. The figures are those of a solver with its defaults:

    order           slope of the error on the 2-D mixture, sigma 2 to 0.05, start-up included
    nominal_order   the same with exact history
    weak_order      slope of the error of mean and variance on a Gaussian
    strong_order    slope of the error along a Brownian path

Beside them stands ``evidence``: the hash of the code with which the whole kit last passed on this solver (see the module
`evidence`). Where that code has another hash now, the evidence is stale, and ``zoo check --all --store --stale`` measures the
solver again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from solvers_zoo.storage.files import replace

if TYPE_CHECKING:
    from solvers_zoo.registry.loading import Entry, Plugin
    from solvers_zoo.testing.report import Report

FILE = "measured.json"
#: The check that measures each figure.
FIGURES = {
    "order": "order-mixture",
    "nominal_order": "order-exact-history",
    "weak_order": "weak-order",
    "strong_order": "strong-order",
}


def path_of(plugin: Plugin) -> Path | None:
    """Where a plugin's figures are stored; None for a plugin that is no package."""
    places = getattr(plugin.loaded, "__path__", None)
    return Path(next(iter(places))) / FILE if places else None


def stored(plugins: Iterable[Plugin]) -> dict[tuple[str, str], dict[str, float]]:
    """Figures by (distribution, name). A file that cannot be read counts as none."""
    return {solver: _figures(row) for solver, row in _rows(plugins).items()}


def evidence(plugins: Iterable[Plugin]) -> dict[tuple[str, str], str]:
    """The hash of the code with which the whole kit last passed, by (distribution, name), for solvers that have one."""
    return {solver: str(row["evidence"]) for solver, row in _rows(plugins).items() if "evidence" in row}


def _figures(row: Mapping[str, object]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name in FIGURES and isinstance(value, int | float)}


def figures_of(report: Report) -> dict[str, float]:
    """The figures in a report on one solver, of its defaults alone, to two digits behind the point."""
    own = [finding for finding in report if finding.solver == report[0].solver]
    values = {finding.check: finding.value for finding in own if finding.value is not None}
    return {figure: round(values[check], 2) for figure, check in FIGURES.items() if check in values}


def store(plugin: Plugin, entry: Entry, report: Report, code: str = "") -> Path | None:
    """Write what a report on one of a plugin's solvers found beside the plugin's package; rows of its other solvers stay.

    Rows of names that the plugin no longer has are dropped. The file is replaced as a whole or not at all.

    Args:
        plugin: the plugin.
        entry: its solver.
        report: what the kit found on it.
        code: the hash of the code that was examined, where the whole kit ran, so that a good report is evidence of every
            claim. Without it the figures of the report join the stored ones, and the evidence stays as it is.

    Returns:
        The file, or None for a plugin that is no package.

    """
    path = path_of(plugin)
    if path is None:
        return None
    rows = {name: dict(row) for (_, name), row in _rows([plugin]).items()}
    old, now = rows.get(entry.card.name, {}), figures_of(report)
    whole: dict[str, object] = {**now, "evidence": code} if report.ok else {**now}
    rows[entry.card.name] = whole if code else {**old, **now}
    names = sorted(entry.card.name for entry in plugin.entries if entry.card.kind == "solver")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(rows[name])}" for name in names if rows.get(name))
    replace(path, lambda file: file.write(f"{{\n{lines}\n}}\n".encode()))
    return path


def _rows(plugins: Iterable[Plugin]) -> dict[tuple[str, str], dict[str, object]]:
    """The stored rows by (distribution, name). A file that cannot be read counts as none."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    for plugin in plugins:
        path = path_of(plugin)
        try:
            rows = json.loads(path.read_text()) if path is not None and path.is_file() else {}
            found |= {(plugin.dist, name): dict(row) for name, row in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            continue
    return found
