r"""Misprints of the lectures and articles, each beside the formula that is meant, measured.

The figure that is measured has a known true value: 1 where the formula is right (an end's spread over the exact one, say), or at most
1 where it is a KL divergence over a bound. The printed formula misses it, the right one does not.
"""

from __future__ import annotations

import math

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import Check, Checks, Experiment, Findings, Progress, Rows, only, silent, track


class Errata(Experiment):
    """Every misprint measured wrong, and its correction right."""

    card = zoo.StudyCard(
        name="errata",
        title="Misprints of the lectures",
        claim="The printed formulas fail where the corrected ones hold.",
        source=zoo.Source(authors="The solvers_zoo authors", title="errata of five lectures and articles", where=""),
        seconds=2,
        quick_seconds=2,
    )

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Measure all, as printed and as meant."""
        from zoo_lectures.errata import charts
        from zoo_lectures.errata.misprints import ERRATA

        rows = [erratum.row() for erratum in track(ERRATA, progress)]
        return self.judge(rows, {"misses": lambda: charts.misses(rows)})

    def checks(self, rows: Rows) -> Checks:
        """The right figure of every misprint is true, and the printed one is far from it."""
        from zoo_lectures.errata.misprints import ERRATA

        for one in ERRATA:
            row = only(rows, erratum=one.name)
            low, high = (-math.inf, 1.0) if one.bound else (1 - one.tolerance, 1 + one.tolerance)
            yield Check(f"{one.name}, right", f"{one.figure}, with {one.right}", row["right_value"], low, high)
            yield Check(
                f"{one.name}, printed", f"{one.figure} misses, with {one.printed}", row["printed_miss"], low=0.2
            )
