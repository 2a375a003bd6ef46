"""Measured figures beside the claims: what the conformance kit found, stored with each plugin.

A plugin's package may hold a file ``measured.json``, {solver: {figure: value}}, which ``zoo check --all --store`` writes and
``zoo list`` shows. The figures are those of a solver with its defaults:

    order           slope of the error on the 2-D mixture, sigma 2 to 0.05, start-up included
    nominal_order   the same with exact history
    weak_order      slope of the error of mean and variance on a Gaussian
    strong_order    slope of the error along a Brownian path
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvers_zoo.registry.loading import Plugin
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
    found: dict[tuple[str, str], dict[str, float]] = {}
    for plugin in plugins:
        path = path_of(plugin)
        try:
            figures = json.loads(path.read_text()) if path is not None and path.is_file() else {}
            found |= {(plugin.dist, name): dict(values) for name, values in figures.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            continue
    return found


def figures_of(report: Report) -> dict[str, float]:
    """The figures in a report on one solver, of its defaults alone, to two digits behind the point."""
    own = [finding for finding in report if finding.solver == report[0].solver]
    values = {finding.check: finding.value for finding in own if finding.value is not None}
    return {figure: round(values[check], 2) for figure, check in FIGURES.items() if check in values}


def store(plugin: Plugin, figures: Mapping[str, Mapping[str, float]]) -> Path | None:
    """Write the figures of some of a plugin's solvers beside its package; those of its other solvers stay.

    Figures of names that the plugin no longer has are dropped.

    Returns:
        The file, or None for a plugin that is no package.

    """
    path = path_of(plugin)
    if path is None:
        return None
    before: dict[str, Any] = {name: values for (_, name), values in stored([plugin]).items()}
    names = [entry.card.name for entry in plugin.entries if entry.card.kind == "solver"]
    after = {name: dict(figures.get(name, before.get(name, {}))) for name in sorted(names)}
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in after.items() if values)
    path.write_text(f"{{\n{rows}\n}}\n")
    return path
