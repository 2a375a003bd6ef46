"""The report's data as the page reads them: lists of numbers with few digits, names by their places in lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from solvers_zoo.bench.ranking import Contestant, budget_of
from solvers_zoo.bench.record import DONE, FAILED, SKIPPED, Record
from solvers_zoo.bench.report import background
from solvers_zoo.bench.report.answer import verdict
from solvers_zoo.bench.report.data import Arena, Board, budget_words, solvers_of, standing, title_of
from solvers_zoo.bench.report.figures import CHARTS, ERROR, STEEPEST, chart
from solvers_zoo.bench.report.gallery import Gallery
from solvers_zoo.charts.theme import DASHES, PALETTE, Styles, theme

#: Digits of every number in the page.
_DIGITS = 5


def payload(
    records: Sequence[Record],
    arenas: Sequence[Arena],
    shown: Sequence[Gallery | None],
    recipes: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """All that the page shows, as JSON has it.

    Args:
        records: all cells.
        arenas: the problems of those that finished.
        shown: the samples of each problem.
        recipes: of `background.recipes`.

    """
    facts = solvers_of(arenas)
    styles = Styles(list(facts))
    solvers = [
        {"name": name, **about, "colour": colour, "shape": shape, "dash": dash}
        for (name, about), colour, shape, dash in zip(
            facts.items(), styles.colours, styles.shapes, styles.dashes, strict=True
        )
    ]
    grids = sorted({who.grid for arena in arenas for board in arena.boards.values() for who in board.table.scores})
    places = {name: index for index, name in enumerate(facts)}, {name: index for index, name in enumerate(grids)}
    labels = _labels(arenas)
    return {
        "solvers": solvers,
        "grids": grids,
        "dashes": DASHES,
        "palette": PALETTE,
        "themes": {scheme: theme(scheme) for scheme in ("light", "dark")},
        "specs": {name: chart(name, None).to_dict() for name in CHARTS},
        "error": ERROR,
        "steepest": STEEPEST,
        "problems": [
            {
                "model": arena.problem.model,
                "facts": arena.problem.facts,
                "label": label,
                "boards": [_board(board, *places) for board in arena.boards.values()],
                "gallery": _gallery(gallery, *places) if gallery is not None else None,
            }
            for arena, gallery, label in zip(arenas, shown, labels, strict=True)
        ],
        "cells": _cells(records),
        "counts": {status: sum(record.status == status for record in records) for status in (DONE, FAILED, SKIPPED)},
        "failed": background.troubles(records, FAILED),
        "skipped": background.troubles(records, SKIPPED),
        "unmeasured": background.unmeasured(records),
        "machines": background.machines(records),
        "times": background.times(records),
        "recipes": list(recipes),
    }


def brief(value: Any) -> Any:
    """A number with `_DIGITS` digits; None for what is not finite, which JSON cannot say."""
    if value is None or isinstance(value, bool | str):
        return value
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(f"{value:.{_DIGITS}g}")


def _labels(arenas: Sequence[Arena]) -> list[str]:
    """A name for each problem: its model, and where models repeat, what else it is."""
    models = [arena.problem.model for arena in arenas]
    return [
        arena.problem.model
        if models.count(arena.problem.model) == 1
        else f"{arena.problem.model} · {arena.problem.facts}"
        for arena in arenas
    ]


def _board(board: Board, solvers: dict[str, int], grids: dict[str, int]) -> dict[str, Any]:
    table = board.table
    index = {who: place for place, who in enumerate(table.scores)}
    winners = []
    for budget in table.budgets:
        if table.best(budget) is not None:
            who, score = standing(table, budget)[0]
            winners.append(
                {
                    "budget": budget,
                    "solver": solvers[who.solver],
                    "grid": grids[who.grid],
                    "error": brief(score.error),
                    "ties": score.ties,
                    "why": verdict(table, budget).words,
                }
            )
    return {
        "metric": board.metric,
        "title": title_of(board.metric),
        "budgets": list(table.budgets),
        "rank": [[solvers[who.solver], grids[who.grid]] for who in table.scores],
        "ratios": _ratios(board),
        "winners": winners,
        "scores": [
            [[brief(scores[b].error), int(scores[b].ties)] if b in scores else None for b in table.budgets]
            for scores in table.scores.values()
        ],
        "points": [
            [
                index[p.who],
                *map(brief, (p.nfe, p.steps, p.error, p.low, p.high, p.floor_low, p.floor_high, p.seconds, p.share)),
                int(p.ties),
                p.seeds,
            ]
            for p in board.points
        ],
        "slopes": [
            [
                index[s.who],
                brief(s.fit),
                [[brief(a), brief(b), brief(order), int(floor)] for a, b, order, floor in s.pairs],
            ]
            for s in board.slopes
        ],
    }


def _ratios(board: Board) -> list[float | None]:
    """Of every contestant the geometric mean over its budgets of its error over the least one there."""
    table = board.table
    least = {b: standing(table, b)[0][1].error for b in table.budgets if table.best(b) is not None}
    found: list[float | None] = []
    for scores in table.scores.values():
        logs = [math.log(score.error / least[b]) for b, score in scores.items() if least.get(b, 0.0) > 0]
        found.append(brief(math.exp(min(fmean(logs), 600.0))) if logs else None)
    return found


def _gallery(gallery: Gallery, solvers: dict[str, int], grids: dict[str, int]) -> dict[str, Any]:
    def place(who: Contestant) -> list[int]:
        return [solvers[who.solver], grids[who.grid]]

    return asdict(gallery) | {
        "pictures": [
            [*place(each.who), each.budget, each.data] for each in gallery.pictures if each.who.solver in solvers
        ],
        "low": [brief(value) for value in gallery.low],
        "high": [brief(value) for value in gallery.high],
    }


def _cells(records: Sequence[Record]) -> dict[str, Any]:
    """Every cell as a row; words by their places in a list for each column."""
    metrics = list(dict.fromkeys(name for record in records for name in record.result["figures"]))
    columns = ["model", "solver", "grid", "budget", "dtype", "seed", "status", "NFE", "seconds", *metrics]
    words: dict[int, dict[str, int]] = {index: {} for index in (0, 1, 2, 3, 4, 6)}
    rows = []
    for record in records:
        cell, result = record.cell, record.result
        row = [
            cell.model,
            cell.solver,
            cell.grid,
            budget_words(budget_of(record)),
            cell.dtype,
            cell.seed,
            record.status,
            result.get("nfe"),
            record.run.get("seconds"),
            *(result["figures"].get(name, {}).get("value") for name in metrics),
        ]
        rows.append(
            [words[i].setdefault(value, len(words[i])) if i in words else brief(value) for i, value in enumerate(row)]
        )
    return {"columns": columns, "words": {index: list(known) for index, known in words.items()}, "rows": rows}
