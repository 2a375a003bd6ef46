r"""Misprints of the lectures and articles, each beside the formula that is meant, measured.

What is measured is a figure whose true value is known: 1 where the formula is right (an end's spread over the exact one, say), or a
KL divergence over a bound, which is then at most 1. The printed formula misses, the right one does not.
"""

from __future__ import annotations

import math
from typing import Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, silent, track
from solvers_zoo.registry.card import Source, StudyCard


class Errata(Experiment):
    """Every misprint measured wrong, and its correction right."""

    card = StudyCard(
        name="errata",
        title="Misprints of the lectures",
        claim="The printed formulas fail where the corrected ones hold.",
        source=Source(authors="The solvers_zoo authors", title="errata of five lectures and articles", where=""),
        seconds=2,
        quick_seconds=2,
    )

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Measure all, as printed and as meant."""
        from zoo_lectures.errata.misprints import ERRATA, miss

        rows: list[Row] = []
        checks: list[Check] = []
        for erratum in track(ERRATA, progress):
            printed, right = erratum.measure(True), erratum.measure(False)
            low, high = (-math.inf, 1.0) if erratum.bound else (1 - erratum.tolerance, 1 + erratum.tolerance)
            checks.append(Check(f"{erratum.name}, right", f"{erratum.figure}, with {erratum.right}", right, low, high))
            far = miss(erratum, printed)
            checks.append(
                Check(f"{erratum.name}, printed", f"{erratum.figure} misses, with {erratum.printed}", far, low=0.2)
            )
            rows.append(
                {
                    "erratum": erratum.name,
                    "where": erratum.where,
                    "printed": erratum.printed,
                    "right": erratum.right,
                    "figure": erratum.figure,
                    "printed_value": printed,
                    "right_value": right,
                    "printed_miss": far,
                    "right_miss": miss(erratum, right),
                }
            )
        return Findings(rows, checks, {"misses": lambda: chart(rows)})


def chart(rows: list[Row]) -> Any:
    """How far each formula misses, as printed and as meant."""
    from solvers_zoo.charts import scatter as drawing

    shown = [
        {**row, "words": _symbols(f"{row['printed']}   →   {row['right']}"), "erratum": _symbols(row["erratum"])}
        for row in rows
    ]
    return drawing.misses(
        shown,
        "erratum",
        ends=("right_miss", "printed_miss"),
        names=("as meant", "as printed"),
        words="words",
        x_title="distance of the measured figure from the true one",
        title="What a misprint costs",
        subtitle="how far a figure misses 1, its true value, or rises above 1 if it is a KL over its bound",
    )


def _symbols(words: str) -> str:
    """The words with their mathematical signs."""
    for plain, sign in (
        ("^2", "²"),
        ("<=", "≤"),
        ("sqrt(d)", "√d"),
        ("sigma", "σ"),
        ("delta", "δ"),
        ("sum", "Σ"),
        ("E_t", "E"),
    ):
        words = words.replace(plain, sign)
    return words
