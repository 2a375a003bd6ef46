"""The answer in words: which solver to use, by how much it wins, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

from solvers_zoo.bench.ranking import Contestant, Score, Table
from solvers_zoo.bench.report.data import Arena, budget_words, standing

#: Names that a sentence lists, problems that the paragraph on top speaks of, and the budget that it prefers.
_NAMES, _PROBLEMS, _BUDGET = 3, 3, 10
#: A lead counts if it is this many standard errors over seeds.
_SURE = 2.0


def number(value: float) -> str:
    """Three digits; powers of ten where there would be many zeros."""
    return f"{value:.3g}"


@dataclass(frozen=True)
class Verdict:
    """Who is best at a budget, and how clearly."""

    who: Contestant
    score: Score
    equals: list[Contestant]
    """Others that tie exact samples too, where the best does."""
    rival: tuple[Contestant, Score] | None
    """The next solver, on its best grid; None where there is no other."""
    level: bool
    """Whether the lead on it is within what seeds account for."""

    @property
    def lead(self) -> float:
        """The rival's error over the best one's; infinite where that is exact."""
        assert self.rival is not None
        return self.rival[1].error / self.score.error if self.score.error > 0 else math.inf

    @property
    def words(self) -> str:
        """A few words of text."""
        if self.score.ties:
            return f"ties exact samples, as do {len(self.equals)} more" if self.equals else "ties exact samples, alone"
        if self.rival is None:
            return "the only solver"
        if self.level:
            return f"level with {self.rival[0].solver} within the seeds"
        return f"{times(self.lead)} below {self.rival[0].solver}"


def verdict(table: Table, budget: str) -> Verdict:
    """Who is best at a budget that some contestant has a score at."""
    (who, best), *others = standing(table, budget)
    rival = next(((other, score) for other, score in others if other.solver != who.solver), None)
    equals = [other for other, score in others if score.ties] if best.ties else []
    spread = math.hypot(best.spread, rival[1].spread) if rival is not None else 0.0
    level = rival is not None and spread > 0 and rival[1].error - best.error < _SURE * spread
    return Verdict(who, best, equals, rival, level)


def answer(table: Table, budget: str, model: str) -> str:
    """A sentence or two of HTML about one budget."""
    found = verdict(table, budget)
    with_grid = len({who.grid for who in table.scores}) > 1
    name = partial(_name, with_grid=with_grid)
    at = f"At {budget_words(budget)}" if budget == "any" else f"With {budget_words(budget)}"
    on = f"{at} on <b>{escape(model)}</b>"
    if found.score.ties:
        also = f" So do {_listed([name(other) for other in found.equals])}." if found.equals else " No other does."
        return f"{on}, {name(found.who)} <b>ties exact samples</b>: its {_error(table, found.score)} is no larger than sampling alone shows.{also}"
    text = f"{on}, use {name(found.who)}: its {_error(table, found.score)}"
    if found.rival is None:
        return (
            f"{on}, {name(found.who)} reaches {_error(table, found.score)}; there is no other solver to compare with."
        )
    other = name(found.rival[0])
    if found.level:
        return f"{text} is the least, but the next solver, {other}, is level with it within the spread of the seeds."
    return f"{text} is {times(found.lead)} below that of the next solver, {other}."


def times(ratio: float) -> str:
    """A ratio in words: ``2.1 times``."""
    return f"{ratio:.2g} times" if ratio < 100 else f"{ratio:.0f} times" if ratio < 1e4 else f"{ratio:.1g} times"


def paragraph(arenas: Sequence[Arena]) -> str:
    """The answer of a whole report as one paragraph of HTML."""
    sentences = []
    for arena in arenas[:_PROBLEMS]:
        board = next(iter(arena.boards.values()), None)
        if board is None:
            continue
        table = board.table
        budget = _middle(table)
        if budget is None:
            continue
        sentences.append(answer(table, budget, arena.problem.model))
        first = next(iter(table.scores))
        whole = [who for who, scores in table.scores.items() if len(scores) == len(table.budgets)]
        if len(table.budgets) > 1 and len(whole) > 1 and first != standing(table, budget)[0][0]:
            several = len({who.grid for who in table.scores}) > 1
            sentences.append(f"Over all budgets {_name(first, several)} is the best on average.")
    more = len(arenas) - _PROBLEMS
    if more > 0:
        sentences.append(f"The report has {more} more {'problem' if more == 1 else 'problems'}.")
    return " ".join(sentences) or "Nothing was finished, so there is no answer yet; below it says why."


def _middle(table: Table) -> str | None:
    """The budget that is spoken of: ten if there is one, else the middle one."""
    for word in ("nfe", "steps"):
        if f"{word} {_BUDGET}" in table.budgets:
            return f"{word} {_BUDGET}"
    filled = [budget for budget in table.budgets if table.best(budget) is not None]
    return filled[len(filled) // 2] if filled else None


def _name(who: Contestant, with_grid: bool) -> str:
    grid = f" on <code>{escape(who.grid)}</code>" if with_grid else ""
    return f"<b><code>{escape(who.solver)}</code></b>{grid}"


def _listed(names: list[str]) -> str:
    if len(names) > _NAMES:
        return f"{', '.join(names[:_NAMES])} and {len(names) - _NAMES} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _error(table: Table, score: Score) -> str:
    floor = f" (exact samples: {number(score.floor)})" if score.floor > 0 else ""
    return f"{escape(table.metric)} error of <b>{number(score.error)}</b>{floor}"
