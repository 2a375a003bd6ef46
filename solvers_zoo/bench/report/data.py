"""What a report shows, from records: problems, their metrics, and by each of them points, ranks, slopes and answers."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Any

from solvers_zoo import registry
from solvers_zoo.bench.experiment import slope
from solvers_zoo.bench.ranking import Contestant, Problem, Score, Table, contestant, metric_of, problem_of, tables
from solvers_zoo.bench.record import DONE, Record
from solvers_zoo.errors import OptionError, ZooError

#: A floor is drawn as wide as exact samples spread about it, in standard deviations.
_REACH = 2.0


@dataclass(frozen=True)
class Point:
    """A contestant at one budget or tolerance: means over seeds, and how far they reach."""

    who: Contestant
    nfe: float
    steps: float
    error: float
    low: float
    high: float
    """The least and the greatest of the seeds."""
    floor_low: float
    floor_high: float
    """What exact samples show, two standard deviations about the mean; 0 where nothing is sampled."""
    seconds: float
    share: float
    """Part of the seconds that the model took."""
    ties: bool
    seeds: int


@dataclass(frozen=True)
class Slopes:
    """How fast a contestant's error falls with its evaluations."""

    who: Contestant
    pairs: list[tuple[float, float, float, bool]]
    """(evaluations before, after, -d log error / d log evaluations, whether the error reached the floor of exact samples)."""
    fit: float
    """Least squares over the points above the floor; NaN for fewer than two."""


@dataclass(frozen=True)
class Board:
    """One problem by one metric."""

    metric: str
    table: Table
    points: list[Point]
    slopes: list[Slopes]


@dataclass(frozen=True)
class Arena:
    """One problem: its finished cells, by every metric that was measured, the preferred one first."""

    problem: Problem
    records: list[Record]
    boards: dict[str, Board] = field(default_factory=dict)


def arenas(records: Sequence[Record], metric: str | None = None) -> list[Arena]:
    """The problems of records, those with most cells first.

    Args:
        records: the cells.
        metric: name or specification of the metric that comes first; by default as `metric_of` prefers.

    Raises:
        OptionError: no finished cell has it.

    """
    groups: dict[Problem, list[Record]] = defaultdict(list)
    for record in records:
        if record.status == DONE:
            groups[problem_of(record)].append(record)
    found = [
        _arena(problem, groups[problem], metric)
        for problem in sorted(groups, key=lambda each: (-len(groups[each]), each))
    ]
    names = {name for arena in found for name in arena.boards}
    if metric is not None and not any(named(name, metric) for name in names):
        raise OptionError(f"--metric {metric} was not measured; there is {', '.join(sorted(names)) or 'none'}.")
    return found


def named(name: str, wanted: str) -> bool:
    """Whether a metric's specification is the wanted one, or has the wanted name."""
    return wanted in (name, name.split("(")[0])


def _arena(problem: Problem, records: list[Record], wanted: str | None) -> Arena:
    arena = Arena(problem, records)
    counts = Counter(name for record in records for name in record.result["figures"])
    first = metric_of(records)
    for metric in sorted(counts, key=lambda name: (not named(name, wanted or ""), name != first, -counts[name], name)):
        measured = [record for record in records if metric in record.result["figures"]]
        points = _points(measured, metric)
        table = tables(measured, metric)[0]
        slopes = [found for who in table.scores if (found := _slopes(who, points[who]))]
        arena.boards[metric] = Board(metric, table, [point for who in table.scores for point in points[who]], slopes)
    return arena


def _points(records: list[Record], metric: str) -> dict[Contestant, list[Point]]:
    groups: dict[tuple[Contestant, Any], list[Record]] = defaultdict(list)
    for record in records:
        cell = record.cell
        groups[contestant(record), (cell.nfe, cell.steps, cell.solver)].append(record)
    found: dict[Contestant, list[Point]] = defaultdict(list)
    for (who, _), runs in groups.items():
        found[who].append(_point(who, runs, metric))
    return {who: sorted(points, key=lambda point: (point.nfe, point.error)) for who, points in found.items()}


def _point(who: Contestant, runs: list[Record], metric: str) -> Point:
    figures = [run.result["figures"][metric] for run in runs]
    errors = [figure["value"] for figure in figures]
    floor, sd = fmean(figure["floor"] for figure in figures), fmean(figure["sd"] for figure in figures)
    timed = [run.run for run in runs if run.run.get("seconds")]
    return Point(
        who,
        fmean(run.result["nfe"] for run in runs),
        fmean(run.result["steps"] for run in runs),
        fmean(errors),
        min(errors),
        max(errors),
        max(floor - _REACH * sd, 0.05 * floor),
        floor + _REACH * sd,
        fmean(run["seconds"] for run in timed) if timed else math.nan,
        min(1.0, fmean(run["model_seconds"] / run["seconds"] for run in timed)) if timed else math.nan,
        all(figure["ties"] for figure in figures),
        len(runs),
    )


def _slopes(who: Contestant, points: list[Point]) -> Slopes | None:
    usable = [point for point in points if point.error > 0 and point.nfe > 0]
    pairs = [
        (a.nfe, b.nfe, -math.log(b.error / a.error) / math.log(b.nfe / a.nfe), b.error <= b.floor_high)
        for a, b in pairwise(usable)
        if b.nfe > a.nfe
    ]
    above = [point for point in usable if point.error > point.floor_high]
    return Slopes(who, pairs, -slope([p.nfe for p in above], [p.error for p in above])) if pairs else None


def solvers_of(found: Sequence[Arena]) -> dict[str, dict[str, Any]]:
    """Facts of every solver, those that rank first on the first problem first: they get the plainest colours."""
    names: dict[str, dict[str, Any]] = {}
    for arena in found:
        for board in arena.boards.values():
            names.update({who.solver: {} for who in board.table.scores if who.solver not in names})
    for arena in found:
        for record in arena.records:
            result, name = record.result, contestant(record).solver
            if name in names and not names[name]:
                names[name] = {key: result.get(key) for key in ("family", "order", "stochastic")}
    return names


def title_of(metric: str) -> str:
    """What a metric is called, by its card; its own words where it is not known here."""
    try:
        card = registry.default().find("metric", metric.split("(")[0]).card
    except ZooError:
        return metric
    return f"{card.title} ({metric})"


def budget_words(budget: str) -> str:
    """``"nfe 10"`` as ``"10 evaluations"``."""
    kind, _, number = budget.partition(" ")
    return {"nfe": f"{number} evaluations", "steps": f"{number} steps"}.get(kind, "its own steps")


def standing(table: Table, budget: str) -> list[tuple[Contestant, Score]]:
    """Contestants that have a score at a budget, the least error first."""
    return sorted(
        ((who, scores[budget]) for who, scores in table.scores.items() if budget in scores),
        key=lambda item: item[1].error,
    )
