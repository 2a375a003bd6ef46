"""Who is best at what budget: of records in memory (`tables`), and of the rows of a store (`ranked`)."""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.record import DONE, Record
from solvers_zoo.errors import OptionError, ZooError
from solvers_zoo.metrics.base import LEVEL

if TYPE_CHECKING:
    from solvers_zoo.bench.results import Results

#: Metrics by which a sweep is ranked: the first that all of its finished cells have.
PREFERENCE = ("strong", "sliced-w1", "energy", "covariance")


@dataclass(frozen=True, order=True)
class Problem:
    """What solvers compete on: cells that differ in any of these are not compared."""

    model: str
    sde: str
    dtype: str
    n: int
    start: str
    denoise: bool
    device: str

    @property
    def facts(self) -> str:
        """All but the model, in a line."""
        words = [self.sde, f"{self.n} samples", self.dtype, f"start {self.start}"]
        return " · ".join(
            [*words, *(["denoised"] if self.denoise else []), *([self.device] if self.device != "cpu" else [])]
        )


#: The columns of a store that hold a problem.
PROBLEM = tuple(each.name for each in fields(Problem))


def problem_of(record: Record) -> Problem:
    """The problem that a record's cell belongs to."""
    return Problem(*(getattr(record.cell, name) for name in PROBLEM))


@dataclass(frozen=True, order=True)
class Contestant:
    """A solver on a grid; of one that chooses its own steps, at any tolerance."""

    solver: str
    grid: str


@dataclass(frozen=True)
class Score:
    """What a contestant reached within a budget: means over seeds."""

    error: float
    nfe: float
    """Evaluations that it really used."""
    seconds: float
    """Of a run of all samples; NaN where nothing was timed."""
    floor: float
    """What exact samples show in its place; 0 where nothing is sampled."""
    ties: bool
    """Whether exact samples do no better, all seeds taken together."""
    spread: float
    """Standard error of ``error`` over seeds; 0 for one seed."""


@dataclass(frozen=True)
class Table:
    """All scores on one problem by one metric, the best contestant first."""

    problem: Problem
    metric: str
    budgets: tuple[str, ...]
    """``"nfe 8"`` or ``"steps 8"``, ``"any"`` where times or tolerances are given."""
    scores: dict[Contestant, dict[str, Score]]

    def best(self, budget: str) -> Contestant | None:
        """The contestant with the least error at a budget, or None where nobody has a score."""
        at = {who: scores[budget].error for who, scores in self.scores.items() if budget in scores}
        return min(at, key=lambda who: at[who]) if at else None


def metric_of(records: Iterable[Record], wanted: str | None = None) -> str | None:
    """The metric by which records are ranked: the one asked for, else the first of `PREFERENCE` that all finished cells have."""
    if wanted is not None:
        return wanted
    done = [record for record in records if record.status == DONE]
    names = [set(record.result["figures"]) for record in done]
    shared = set.intersection(*names) if names else set()
    bare = {name.split("(")[0]: name for name in sorted(shared)}
    return next((bare[name] for name in PREFERENCE if name in bare), min(shared, default=None))


def tables(records: Sequence[Record], metric: str) -> list[Table]:
    """The tables of all problems, in alphabetical order of their models."""
    groups: dict[Problem, list[Record]] = defaultdict(list)
    for record in records:
        if record.status == DONE and metric in record.result["figures"]:
            groups[problem_of(record)].append(record)
    return [_table(problem, groups[problem], metric) for problem in sorted(groups)]


def _table(problem: Problem, records: list[Record], metric: str) -> Table:
    budgets = sorted({budget_of(record) for record in records}, key=lambda word: (word == "any", len(word), word))
    numbers = [int(word.split()[1]) for word in budgets if word.startswith("nfe")]
    by: dict[Contestant, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    free: dict[Contestant, list[Record]] = defaultdict(list)
    for record in records:
        if budget_of(record) == "any" and numbers:
            free[contestant(record)].append(record)
        else:
            by[contestant(record)][budget_of(record)].append(record)
    for who, runs in free.items():  # of each seed the dearest run that the budget pays for
        for number in numbers:
            within = [run for run in runs if run.result["nfe"] <= number]
            dearest = {run.cell.seed: run for run in sorted(within, key=lambda run: int(run.result["nfe"]))}
            by[who][f"nfe {number}"] += dearest.values()
    scores = {who: {word: _score(runs, metric) for word, runs in cells.items() if runs} for who, cells in by.items()}
    if numbers:
        budgets = [word for word in budgets if word != "any"]
    return Table(
        problem, metric, tuple(budgets), dict(sorted(scores.items(), key=lambda item: _merit(item, scores, budgets)))
    )


def budget_of(record: Record) -> str:
    """``nfe 8`` or ``steps 8``; ``any`` where the solver chooses its steps, or times were given."""
    cell = record.cell
    if cell.nfe is not None:
        return f"nfe {cell.nfe}"
    return f"steps {cell.steps}" if cell.steps is not None else "any"


def contestant(record: Record) -> Contestant:
    """The solver and the grid, without the tolerance that stands for a budget."""
    cell = record.cell
    if cell.nfe is not None or cell.steps is not None:
        return Contestant(cell.solver, cell.grid)
    from solvers_zoo import registry

    try:
        solver = registry.default().make("solver", cell.solver)
    except ZooError:  # of a plugin that is not loaded here
        return Contestant(cell.solver, cell.grid)
    facts = solver.options().get("rtol")
    return Contestant(str(replace(solver, rtol=type(solver).rtol)) if facts is not None else cell.solver, cell.grid)


def _score(runs: list[Record], metric: str) -> Score:
    figures = [run.result["figures"][metric] for run in runs]
    errors = [figure["value"] for figure in figures]
    one = chance([figure["p"] for figure in figures if figure["p"] is not None])
    return Score(
        error=fmean(errors),
        nfe=fmean(run.result["nfe"] for run in runs),
        seconds=fmean(run.run.get("seconds", math.nan) for run in runs),
        floor=fmean(figure["floor"] for figure in figures),
        ties=one is not None and one > LEVEL,
        spread=stdev(errors) / math.sqrt(len(errors)) if len(errors) > 1 else 0.0,
    )


def _merit(
    item: tuple[Contestant, dict[str, Score]], scores: dict[Contestant, dict[str, Score]], budgets: list[str]
) -> tuple[int, float]:
    """Missing budgets first, then the mean over budgets of log(error / least error there)."""
    _, mine = item
    gaps = []
    for budget in budgets:
        errors = [other[budget].error for other in scores.values() if budget in other]
        if budget in mine:
            gaps.append(math.log(max(mine[budget].error, 1e-300)) - math.log(max(min(errors), 1e-300)))
    return len(budgets) - len(gaps), fmean(gaps) if gaps else math.inf


def chance(ps: Sequence[float]) -> float | None:
    """One chance of several independent ones: P(chi^2 with 2k degrees of freedom > -2 sum log p) (Fisher 1925); None of none."""
    if not ps:
        return None
    half = -sum(math.log(max(p, 1e-300)) for p in ps)
    terms = (
        i * math.log(half) - math.lgamma(i + 1) - half if half else (0.0 if i == 0 else -math.inf)
        for i in range(len(ps))
    )
    return min(1.0, sum(map(math.exp, terms)))


# -- rows of a store ------------------------------------------------------------------------------------------

#: What groups compete at.
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
