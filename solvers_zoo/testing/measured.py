"""Measured figures beside the claims, and the evidence that all claims held: what the conformance kit found, stored with each plugin.

A plugin's package may hold a file ``measured.json``, {solver: {figure: value}}, which ``zoo check --all --store`` writes and
``zoo list`` shows. The figures are those of a solver with its defaults:

    order           slope of the error on the 2-D mixture, sigma 2 to 0.05, start-up included
    nominal_order   the same with exact history
    weak_order      slope of the error of mean and variance on a Gaussian
    strong_order    slope of the error along a Brownian path

Beside them stands ``evidence``: the hash of the code with which the whole kit last passed on this solver, as `evidence_of` finds it.
Where it is another one now, the evidence is stale, and ``zoo check --all --store --stale`` measures that solver again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers_zoo.registry import reach, registry
from solvers_zoo.registry.options import Configurable
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
    return {
        solver: {figure: value for figure, value in row.items() if figure in FIGURES}
        for solver, row in _rows(plugins).items()
    }


def stale(plugins: Iterable[Plugin]) -> list[Entry]:
    """The solvers of some plugins whose stored evidence is of other code, or that have none."""
    listed = list(plugins)
    rows = _rows(listed)
    entries = [entry for plugin in listed for entry in plugin.entries if entry.card.kind == "solver"]
    return [e for e in entries if rows.get((e.dist, e.card.name), {}).get("evidence") != evidence_of(e)]


def figures_of(report: Report) -> dict[str, float]:
    """The figures in a report on one solver, of its defaults alone, to two digits behind the point."""
    own = [finding for finding in report if finding.solver == report[0].solver]
    values = {finding.check: finding.value for finding in own if finding.value is not None}
    return {figure: round(values[check], 2) for figure, check in FIGURES.items() if check in values}


def store(plugin: Plugin, entry: Entry, report: Report, whole: bool) -> Path | None:
    """Write what a report on one of a plugin's solvers found beside the plugin's package; rows of its other solvers stay.

    Rows of names that the plugin no longer has are dropped.

    Args:
        plugin: the plugin.
        entry: its solver.
        report: what the kit found on it.
        whole: whether the whole kit ran, so that the report is evidence of every claim if it is good.

    Returns:
        The file, or None for a plugin that is no package.

    """
    path = path_of(plugin)
    if path is None:
        return None
    before = {name: row for (_, name), row in _rows([plugin]).items()}
    old = before.get(entry.card.name, {}).get("evidence")
    evidence = evidence_of(entry) if whole and report.ok else None if whole else old
    before[entry.card.name] = figures_of(report) | ({"evidence": evidence} if evidence else {})
    names = sorted(entry.card.name for entry in plugin.entries if entry.card.kind == "solver")
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(before[name])}" for name in names if before.get(name))
    replace(path, lambda file: file.write(f"{{\n{rows}\n}}\n".encode()))
    return path


def evidence_of(entry: Entry) -> str:
    """The hash of all code that the kit's verdict on a solver depends on.

    That is what the solver reaches, with the solvers that it is made of by default and those that its card says it equals; what the
    kit reaches; and the zoo's own processes and grids, on which it is examined.
    """
    starts, words = [], []
    found = registry.default()
    solver = entry.cls.make()
    for part in (solver, *(found.make("solver", other) for other in solver.card.equivalents)):
        for cls in _classes(part):
            more, rows = reach.of_class(cls)
            starts += more
            words += rows
    return reach.hash_of(reach.reach(starts) | _kit(), words)


@functools.cache
def _kit() -> frozenset[reach.Definition]:
    """The code of the checks, and of the processes and grids that they examine on."""
    starts = [reach.Definition("solvers_zoo.testing.kit", "conform")]
    for kind in ("sde", "grid"):
        for entry in registry.default().entries(kind):
            if entry.plugin == "catalogue":
                starts += reach.of_class(entry.cls)[0]
    return reach.reach(starts)


def _classes(thing: Configurable) -> Iterator[type]:
    """The class of a configured object, and those of what its options hold."""
    yield type(thing)
    for name in thing.options():
        value = getattr(thing, name)
        if isinstance(value, Configurable):
            yield from _classes(value)


def _rows(plugins: Iterable[Plugin]) -> dict[tuple[str, str], dict[str, Any]]:
    """The stored rows by (distribution, name). A file that cannot be read counts as none."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for plugin in plugins:
        path = path_of(plugin)
        try:
            rows = json.loads(path.read_text()) if path is not None and path.is_file() else {}
            found |= {(plugin.dist, name): dict(row) for name, row in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            continue
    return found
