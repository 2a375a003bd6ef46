"""Who is best at what budget, from finished cells."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from solvers_zoo.bench.chance import chance
from solvers_zoo.bench.record import DONE, Record
from solvers_zoo.errors import ZooError
from solvers_zoo.metrics.base import LEVEL

#: Metrics by which a study is ranked: the first that all of its finished cells have.
PREFERENCE = ("strong", "sliced-w1", "energy", "covariance")


@dataclass(frozen=True, order=True)
class Problem:
    """What solvers compete on."""

    model: str
    sde: str
    dtype: str
    start: str


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
            cell = record.cell
            groups[Problem(cell.model, cell.sde, cell.dtype, cell.start)].append(record)
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
