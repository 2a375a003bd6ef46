r"""Total variation in one dimension without a single random number: the numerical map against the exact monotone transport.

The noise-free twin of the study on particles. Here the claim TV = O(delta + h^p) shows to six digits, for any order p.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import (
    Check,
    Checks,
    Experiment,
    Findings,
    Progress,
    Rows,
    column,
    only,
    silent,
    slope_of,
    track,
    where,
)
from zoo_lectures.huang.numbers import DELTAS, ERRORS, HUANG
from zoo_lectures.huang.numbers import STEPS as TOTAL_STEPS
from zoo_lectures.theory.numbers import SOLVERS

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.exact import TransportDistance

STEPS = (16, 32, 64, 128, 256, 512)

#: TV at T = 8 for N = 16 ... 512, to the digits that an independent program gave; empty where the map folds.
KNOWN = {
    "euler": ".442 .281 .157 .0816 .0414 .0210",
    "heun": "- .106 .0219 .00474 .00113 .00060",
    "rk4": ".0216 .00341 8.4e-4 5.6e-4 5.36e-4 5.35e-4",
}
#: Runs whose map folds: T, solver, N.
FOLDED = {(8.0, "heun", 16), (16.0, "heun", 16), (16.0, "heun", 32), (16.0, "rk4", 16)}


class TransportTV(Experiment):
    r"""Exact total variation between the image of N(0, 1) under the numerical map and three modes on the line.

    Ornstein-Uhlenbeck, uniform steps in t, T = 8 and 16. A cell's mass under the image is what it was at the start, so

        TV = 1/2 sum_i |P(start in cell i) - P(target in image of cell i)|

    needs no samples and no reference solver. What is left for small steps is the prior: N(0, 1) is not p_T, and an exact flow keeps
    total variation. From the exact p_T all orders show. At coarse steps Heun's map folds; TV then has no meaning and is left out.
    """

    card = zoo.StudyCard(
        name="transport-tv",
        title="Exact total variation on the line",
        claim="TV = O(delta + h^p) for Euler (p = 1), Heun (2) and RK4 (4), down to the error of the prior.",
        source=HUANG,
        seconds=65,
        quick_seconds=8,
    )
    cells: int = zoo.option(20_000, help="cells of equal mass", low=1000)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Every solver, number of steps and score error; the quick form has at most 128 steps, half of the score errors and of the cells."""
        from zoo_lectures.theory.transport_charts import convergence

        steps, deltas = (STEPS[:4], DELTAS[::2]) if quick else ((*STEPS, 1024), DELTAS)
        starts = ((8.0, "prior"), (8.0, "exact"), (16.0, "prior"))
        jobs: list[dict[str, Any]] = [
            {"solver": solver, "steps": n, "T": T, "start": start, "form": "exact", "delta": 0.0}
            for T, start in starts
            for solver in SOLVERS
            for n in steps
        ]
        pairs = [(steps[-1], delta) for delta in deltas]
        total = [] if quick else list(zip(TOTAL_STEPS, DELTAS, strict=True))
        wrong = {"solver": "heun", "T": 8.0, "start": "prior"}
        for some in (pairs, total):
            jobs += [wrong | {"steps": n, "form": form, "delta": d} for form in ERRORS for n, d in some]
        cells = min(self.cells, 10_000) if quick else self.cells
        rows = [
            job | {"h": job["T"] / job["steps"]} | transport_run(**job, cells=cells)._asdict()
            for job in track(jobs, progress)
        ]
        return self.judge(rows, {"convergence": lambda: convergence(rows)})

    def checks(self, rows: Rows) -> Checks:
        """Digits of an independent program, folds, orders, the prior's error, and the growth with the score's error."""
        runs = where(rows, form="exact")
        yield Check(
            "digits",
            "departure from an independent program, in units of the last digit that it noted",
            departure(runs),
            0.0,
            1.0,
        )
        folds = {(row["T"], row["solver"], row["steps"]) for row in runs if row["folds"]} ^ FOLDED
        yield Check("folds", "runs whose map folds though it should not, or the other way round", len(folds), 0, 0)
        last = max(column(runs, "steps"))
        near = {"euler": (0.97, 1.03), "heun": (1.9, 2.1), "rk4": (3.8, 4.1)}
        wide = {"euler": (0.9, 1.05), "heun": (1.9, 2.3), "rk4": (3.0, 4.2)}
        for solver, (low, high) in (near if last > 512 else wide).items():
            fine = where(runs, start="exact", solver=solver)
            order = math.log2(only(fine, steps=last // 2)["tv"] / only(fine, steps=last)["tv"])
            yield Check(
                f"order of {solver}",
                f"slope of TV in h from the exact p_T, N = {last // 2} to {last}",
                order,
                low,
                high,
            )
        rk4 = where(runs, start="prior", solver="rk4")
        yield Check(
            "prior",
            f"TV of RK4 with {last} steps from N(0, 1) at T = 8: the prior's alone",
            only(rk4, T=8.0, steps=last)["tv"],
            5.3e-4,
            5.7e-4,
        )
        if last > 512:
            yield Check(
                "prior at T = 16",
                "TV of RK4 with 512 steps from N(0, 1)",
                only(rk4, T=16.0, steps=512)["tv"],
                0.0,
                5e-6,
            )
        for form in ERRORS:
            alone = [row for row in where(rows, form=form, steps=last) if row["tv"] < 0.4]
            yield Check(
                f"{form} error",
                "slope of TV in the score's error delta, as far as TV < .4",
                slope_of(alone, "delta", "tv"),
                0.94,
                1.04,
            )


def transport_run(
    solver: str,
    steps: int,
    *,
    T: float = 8.0,
    start: str = "prior",
    delta: float = 0.0,
    form: str = "constant",
    cells: int = 20_000,
) -> TransportDistance:
    """Exact distance between `mixture-1d` and the image of N(0, 1), or of the exact p_T, under ``steps`` uniform steps."""
    model = zoo.model("mixture-1d", sde=zoo.OU(t_max=T))
    seen = zoo.ScoreError(model, delta, form) if delta else model
    grid = zoo.grid("uniform").make_grid(model.sde, steps)
    return flow_distance(model, seen, zoo.solver(solver, variable="t"), grid, start == "prior", cells)


def flow_distance(
    model: zoo.AnalyticModel, seen: zoo.ScoreModel, solver: zoo.Solver, grid: zoo.Grid, prior: bool, cells: int
) -> TransportDistance:
    """Exact distance between the law at the end of the grid and where the flow by the score of ``seen`` takes N(0, 1) or the law at its start."""
    from solvers_zoo.exact import transport_distance

    def push(x: Tensor) -> Tensor:
        return zoo.sample(seen, solver=solver, grid=grid, x=x).x

    return transport_distance(model, push, grid[0], grid[-1], prior_std=1.0 if prior else None, cells=cells)


def departure(runs: Rows) -> float:
    """How far TVs at T = 8 from N(0, 1) are from `KNOWN`, in units of the last digit that is noted there."""
    from decimal import Decimal

    worst = 0.0
    for solver, words in KNOWN.items():
        known = dict(zip(STEPS, words.split(), strict=True))
        for row in where(runs, T=8.0, start="prior", solver=solver):
            word = known.get(row["steps"], "-")
            if word != "-":
                unit = 10.0 ** int(Decimal(word).as_tuple().exponent)
                worst = max(worst, abs(row["tv"] - float(word)) / unit)
    return worst
