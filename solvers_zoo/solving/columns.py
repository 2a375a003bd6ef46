"""Numbers of many intervals at once: what is written for one interval, run on columns of all.

Coefficients are Python floats made once a grid. Per-sample stepping lets the same formulas run on tensors, so a grid of a thousand
steps need not be worked through a number at a time: its points become one point whose fields are columns, the formula runs
once, and the columns of its result are handed out again as floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvers_zoo.time_grids.base import Grid

#: Intervals from which on that pays.
LEAST = 24


def column(points: Sequence[Any]) -> Any:
    """Points as one point whose fields are columns."""
    import torch

    kind = type(points[0])
    columns = ([getattr(point, field.name) for point in points] for field in fields(kind))
    return kind(*(torch.tensor(column, dtype=torch.float64) for column in columns))


def rows(value: Any, count: int, known: Mapping[int, Sequence[Any]] | None = None) -> Sequence[Any]:
    """The ``count`` rows of a structure of columns: tuples, lists and points of them, with what is no column in every row.

    Args:
        value: the structure.
        count: length of the columns.
        known: by the ``id`` of a column of points, the points themselves.

    """
    if known and id(value) in known:
        return known[id(value)]
    if hasattr(value, "tolist"):
        entries: list[Any] = value.tolist()
        return entries
    if isinstance(value, tuple | list):
        parts = zip(*(rows(part, count, known) for part in value), strict=True) if value else [()] * count
        if hasattr(value, "_fields"):
            return [type(value)(*part) for part in parts]
        return [type(value)(part) for part in parts]
    if is_dataclass(value):
        kind: Any = type(value)
        return [
            kind(*row) for row in zip(*(rows(getattr(value, f.name), count, known) for f in fields(kind)), strict=True)
        ]
    return [value] * count


def each_interval(make: Callable[[Any, Any], Any], grid: Grid) -> list[Any]:
    """``make(t, s)`` for every interval of ``grid``; for many intervals made once, on columns.

    ``make`` is arithmetic on the fields of its points. Intervals that begin or end where alpha = 0 are made by themselves.
    """
    points, steps = grid.points, grid.steps
    if steps < LEAST or type(points[0].t) is not float:
        return [make(t, s) for t, s in grid.intervals()]
    first, last = int(_infinite(points[0])), steps - int(_infinite(points[-1]))
    t, s = column(points[first:last]), column(points[first + 1 : last + 1])
    known = {id(t): points[first:last], id(s): points[first + 1 : last + 1]}
    middle = rows(make(t, s), last - first, known)
    one = [make(points[i], points[i + 1]) for i in (*range(first), *range(last, steps))]
    return [*one[:first], *middle, *one[first:]]


def _infinite(point: Any) -> bool:
    lam = getattr(point, "lam", 0.0)
    return not math.isfinite(lam)
