"""Cells in groups: means over seeds with their standard errors, ranks, Pareto fronts, and what came to nothing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from solvers_zoo.bench.chance import chance
from solvers_zoo.bench.ranking import PREFERENCE
from solvers_zoo.bench.results import Results
from solvers_zoo.errors import OptionError
from solvers_zoo.metrics.base import LEVEL

#: What solvers compete on, and what they compete at.
PROBLEM = ("model", "sde", "dtype", "n", "start", "denoise", "device")
BUDGET = ("budget", "steps_asked")
#: By what cells are grouped if nothing is said: all but the seed.
GROUPS = (*PROBLEM, *BUDGET, "solver", "grid")
#: Columns of which a group has the mean.
_MEANS = ("nfe", "steps", "seconds", "seconds_min", "model_seconds")


def pick_metric(results: Results, wanted: str | None = None, where: str | None = None) -> str | None:
    """The specification of a metric by its name, options left out if only one has it; the preferred one that most cells have if None.

    Raises:
        OptionError: no cell has it, or several settings of it were measured.

    """
    counts = {
        row["metric"]: row["cells"]
        for row in results.query(
            f"SELECT metric, count(*) AS cells FROM long {results.filter(where)} GROUP BY 1 ORDER BY 1"
        )
    }
    bare = {metric: metric.split("(")[0] for metric in results.metrics}
    if wanted is None:
        order = {name: place for place, name in enumerate(PREFERENCE)}
        return min(
            counts, key=lambda metric: (-counts[metric], order.get(bare[metric], len(order)), metric), default=None
        )
    found = [wanted] if wanted in bare else [metric for metric in bare if bare[metric] == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise OptionError(f"--metric {wanted} was measured in several ways; say which: {', '.join(sorted(found))}.")
    near = difflib.get_close_matches(wanted, [*bare, *bare.values()], n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There is {', '.join(sorted(bare)) or 'none'}."
    raise OptionError(f"--metric {wanted!r} was not measured. {hint}")


def ranked(
    results: Results, metric: str, where: str | None = None, by: Sequence[str] = GROUPS, cost: str = "nfe"
) -> list[dict[str, Any]]:
    """Groups of finished cells, the problems one after another, in each the budgets, in each the best first.

    A group has the columns it was grouped by, and: ``cells``, how many it is made of; ``value``, ``floor`` and means of ``nfe``, ``steps``,
    ``seconds``, ``seconds_min`` and ``model_seconds``; ``se``, the standard error of ``value`` over the cells, None for one cell; ``sd``, the
    standard deviation that the mean of as many figures of exact samples has; ``z`` = (value - floor) / sd; ``p``, the cells' chances
    combined; ``ties``, whether that is above `LEVEL`; ``rank`` within the budget, where all that tie exact samples are equal; ``front``, whether it is on its problem's Pareto front: no
    other group is at most as dear and at most as wrong, and less in one of both.

    Args:
        results: the cells.
        metric: specification; see `pick_metric`.
        where: a condition on cells; see `Results.rows`.
        by: columns to group by.
        cost: ``nfe`` or ``seconds``.

    Raises:
        OptionError: an impossible condition or column.

    """
    for name in by:
        if name not in results.columns:
            near = difflib.get_close_matches(name, results.columns, n=1)
            raise OptionError(f"--by {name!r} is no column. {f'Did you mean {near[0]!r}?' if near else ''}".rstrip())
    keys = ", ".join(f'"{name}"' for name in by)
    means = ", ".join(f"avg({name}) AS {name}" for name in _MEANS if name not in by)
    rows = results.query(
        f"""SELECT {keys}, metric, count(*) AS cells, avg(value) AS value, stddev_samp(value) / sqrt(count(*)) AS se,
        avg(floor) AS floor, sqrt(sum(sd * sd)) / count(*) AS sd, list(p) AS p, {means}
        FROM long {results.filter(where)} {"AND" if where else "WHERE"} metric = $1 GROUP BY {keys}, metric ORDER BY {keys}""",
        [metric],
    )
    for row in rows:
        row["z"] = (row["value"] - row["floor"]) / row["sd"] if row["sd"] else None
        row["p"] = chance([p for p in row["p"] if p is not None])
        row["ties"] = row["p"] is not None and row["p"] > LEVEL
    problem = [name for name in by if name in PROBLEM]
    at = [name for name in (*BUDGET, "nfe") if name in by]
    found = []
    for rivals in _parts(rows, problem):
        _mark_front(rivals, cost)
        for part in _parts(rivals, at[:-1] if len(at) > 2 else at):
            part.sort(key=lambda row: (_wrong(row), _dear(row, cost)))
            errors = [_wrong(row) for row in part]
            found += [row | {"rank": 1 + errors.index(error)} for row, error in zip(part, errors, strict=True)]
    return found


def losses(results: Results, where: str | None = None) -> list[dict[str, Any]]:
    """Failed and skipped cells by their reasons: ``status``, ``kind``, ``reason``, ``cells``, ``solvers``, ``models``."""
    return results.query(f"""
        SELECT status, kind, reason, count(*) AS cells, list_sort(list(DISTINCT solver)) AS solvers,
        list_sort(list(DISTINCT model)) AS models
        FROM results {results.filter(where)} {"AND" if where else "WHERE"} status <> 'done'
        GROUP BY 1, 2, 3 ORDER BY status, cells DESC, reason""")


def unmeasured(results: Results, metric: str, where: str | None = None) -> dict[str, int]:
    """Why finished cells have no figure of a metric, and how many."""
    rows = results.query(
        f"""SELECT coalesce(unmeasured[$1], 'it was not asked for') AS reason, count(*) AS cells
        FROM results {results.filter(where)} {"AND" if where else "WHERE"} status = 'done'
        AND key NOT IN (SELECT key FROM figures WHERE metric = $1) GROUP BY 1 ORDER BY 2 DESC, 1""",
        [metric],
    )
    return {row["reason"]: row["cells"] for row in rows}


def _parts(rows: list[dict[str, Any]], by: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Rows that agree in some columns, in the order of those; None comes last."""

    def place(row: dict[str, Any]) -> list[tuple[bool, Any]]:
        return [(row[name] is None, row[name] if row[name] is not None else 0) for name in by]

    return [list(part) for _, part in groupby(sorted(rows, key=place), key=place)]


def _wrong(row: dict[str, Any]) -> float:
    """The error; 0 for all that tie exact samples, whose differences are chance."""
    return 0.0 if row["ties"] else float(row["value"])


def _dear(row: dict[str, Any], cost: str) -> float:
    return float("inf") if row[cost] is None else float(row[cost])


def _mark_front(rows: list[dict[str, Any]], cost: str) -> None:
    best, before = float("inf"), float("inf")
    for dear, part in groupby(sorted(rows, key=lambda row: _dear(row, cost)), key=lambda row: _dear(row, cost)):
        equals = list(part)
        least = min(map(_wrong, equals))
        best, before = min(best, least), best
        for row in equals:
            row["front"] = dear < float("inf") and _wrong(row) == least < before
