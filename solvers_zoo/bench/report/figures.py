"""The report's charts: one set of builders for the page and for files."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from solvers_zoo.bench.report.data import Arena, Board, named, title_of
from solvers_zoo.charts.lines import lines

#: Contestants in a figure of a file, and in a report until more are asked for.
SHOWN = 12
#: Slopes steeper than this say that a figure is noise or that a solver blew up.
STEEPEST = 12.0
#: Slopes of the guides.
ORDERS = (1, 2, 3)
#: What stands in a specification for the name of the metric, until it is drawn.
ERROR = "%error%"

#: Name of a chart: (abscissa, its title, what the chart shows).
CHARTS = {
    "nfe": ("nfe", "evaluations a sample", "Error against evaluations"),
    "seconds": ("seconds", "seconds a run", "Error against time"),
    "order": ("nfe", "evaluations a sample", "Local order of convergence"),
}


def chart(name: str, rows: Sequence[dict[str, Any]] | None, error: str = ERROR, **more: Any) -> Any:
    """A chart of `CHARTS`; without rows one that the page gives its data to.

    Args:
        name: ``nfe``, ``seconds`` or ``order``.
        rows: of `point_rows` or, for ``order``, of `order_rows`.
        error: title of the ordinate.
        more: passed on to `lines`.

    """
    x, x_title, _ = CHARTS[name]
    if name == "order":
        return lines(rows, x, "order", "series", x_title=x_title, y_title="local order", log="x", height=300, **more)
    return lines(
        rows,
        x,
        "error",
        "series",
        low="low",
        high="high",
        floor=("floor_low", "floor_high"),
        x_title=x_title,
        y_title=error,
        slopes=ORDERS if name == "nfe" else (),
        along="nfe" if name == "seconds" else None,
        height=360,
        **more,
    )


def point_rows(board: Board, names: dict[Any, str]) -> list[dict[str, Any]]:
    """Points of contestants that have a name."""
    return [
        {
            "series": names[p.who],
            **{name: getattr(p, name) for name in ("nfe", "error", "low", "high", "floor_low", "floor_high")},
            "seconds": None if math.isnan(p.seconds) else p.seconds,
        }
        for p in board.points
        if p.who in names
    ]


def order_rows(board: Board, names: dict[Any, str]) -> list[dict[str, Any]]:
    """Local orders between neighbouring budgets, at their geometric mean; those at the floor are left out."""
    return [
        {"series": names[found.who], "nfe": math.sqrt(before * after), "order": order}
        for found in board.slopes
        if found.who in names
        for before, after, order, floor in found.pairs
        if not floor and abs(order) <= STEEPEST
    ]


def shown(board: Board, most: int = SHOWN) -> dict[Any, str]:
    """The best contestants, every solver once on its best grid, and what they are called."""
    best: dict[str, Any] = {}
    for who in board.table.scores:
        best.setdefault(who.solver, who)
    grids = {who.grid for who in board.table.scores}
    chosen = list(best.values())[:most]
    return {who: f"{who.solver} on {who.grid}" if len(grids) > 1 else who.solver for who in chosen}


def figures(arenas: Sequence[Arena], metric: str | None = None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """(name for a file, what makes the chart) of every problem, metric and kind of chart that has data.

    Args:
        arenas: the problems.
        metric: only this one, by name or specification; all if None.

    """
    taken: set[str] = set()
    for arena in arenas:
        for spec, board in arena.boards.items():
            if metric is not None and not named(spec, metric):
                continue
            names = shown(board)
            for name in CHARTS:
                rows = order_rows(board, names) if name == "order" else point_rows(board, names)
                if any(row[CHARTS[name][0]] is not None for row in rows):
                    yield (
                        _unused(f"{arena.problem.model}-{spec}-{name}", taken),
                        _maker(name, rows, arena, board, names),
                    )


def _maker(
    name: str, rows: list[dict[str, Any]], arena: Arena, board: Board, names: dict[Any, str]
) -> Callable[[], Any]:
    solvers = {who.solver for who in board.table.scores}
    left = f"best {len(names)} of {len(solvers)} solvers" if len(names) < len(solvers) else ""
    words = " · ".join(word for word in (arena.problem.facts, left) if word)
    return lambda: chart(
        name,
        rows,
        title_of(board.metric),
        order=list(names.values()),
        title=f"{CHARTS[name][2]}, {arena.problem.model}",
        subtitle=words,
        width=520,
    )


def _unused(name: str, taken: set[str]) -> str:
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.")
    while stem in taken:
        stem += "-2"
    taken.add(stem)
    return stem
