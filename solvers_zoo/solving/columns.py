"""The numbers of many intervals at once: a formula for one interval runs once, on columns of all intervals.

A solver's coefficients are Python floats, computed once a grid. Per-sample stepping lets the same formulas run on tensors, so a
grid of a thousand steps need not be computed interval by interval: its points become one point whose fields are columns, the
formula runs once, and the columns of the result are taken apart into floats again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from solvers_zoo.processes.base import Point
    from solvers_zoo.time_grids.base import Grid

T = TypeVar("T")
P = TypeVar("P", bound="Point")

#: With fewer intervals than this, one after the other is faster.
LEAST = 24


def column(points: Sequence[P]) -> P:
    """Points as one point whose fields are columns."""
    import torch

    kind: Callable[..., P] = type(points[0])
    columns = ([getattr(point, field.name) for point in points] for field in fields(points[0]))
    return kind(*(torch.tensor(column, dtype=torch.float64) for column in columns))


def rows(value: T, count: int, known: Sequence[tuple[object, Sequence[Any]]] = ()) -> Sequence[T]:
    """The ``count`` rows of a structure of columns: tuples, lists and points of them; whatever is no column is in every row.

    ``known`` are pairs of a column of points and those points, which are then handed out as they are: to make them again would
    take a tenth of the time of a plan.
    """
    for whole, points in known:
        if value is whole:
            return points
    if hasattr(value, "tolist"):
        entries: list[T] = value.tolist()
        return entries
    kind: Callable[..., T] = type(value)
    if isinstance(value, tuple | list):
        parts = zip(*(rows(part, count, known) for part in value), strict=True) if value else [()] * count
        return [kind(*part) if hasattr(value, "_fields") else kind(part) for part in parts]
    if is_dataclass(value):
        parts = zip(*(rows(getattr(value, f.name), count, known) for f in fields(value)), strict=True)
        return [kind(*part) for part in parts]
    return [value] * count


def each_interval(make: Callable[[Any, Any], T], grid: Grid) -> list[T]:
    """``make(t, s)`` for every interval of ``grid``; where these are many, ``make`` is called once, with columns.

    ``make`` does arithmetic on the fields of its two points. It is called alone for an interval that begins or ends where alpha = 0.
    """
    points, steps = grid.points, grid.steps
    if steps < LEAST or type(points[0].t) is not float:
        return [make(t, s) for t, s in grid.intervals()]
    first, last = int(_infinite(points[0])), steps - int(_infinite(points[-1]))
    t, s = column(points[first:last]), column(points[first + 1 : last + 1])
    known = [(t, points[first:last]), (s, points[first + 1 : last + 1])]
    middle = rows(make(t, s), last - first, known)
    one = [make(points[i], points[i + 1]) for i in (*range(first), *range(last, steps))]
    return [*one[:first], *middle, *one[first:]]


def _infinite(point: Point) -> bool:
    return not math.isfinite(getattr(point, "lam", 0.0))
