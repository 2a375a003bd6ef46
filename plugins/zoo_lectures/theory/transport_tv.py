r"""Total variation in one dimension without a single random number: the numerical map against the exact monotone transport.

The noise-free twin of the study on particles. Here the claim TV = O(delta + h^p) shows to six digits, for any order p.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, silent, slope, track
from solvers_zoo.registry.card import StudyCard
from solvers_zoo.registry.options import option
from zoo_lectures.huang.particles import DELTAS, FORMS, HUANG
from zoo_lectures.huang.particles import STEPS as TOTAL_STEPS

if TYPE_CHECKING:
    from solvers_zoo.exact import TransportDistance

SOLVERS = {"euler": 1, "heun": 2, "rk4": 4}
STEPS = (16, 32, 64, 128, 256, 512)
HORIZONS = (8.0, 16.0)

#: TV at T = 8 for N = 16 ... 512, to the digits that an independent program gave; empty where the map folds.
KNOWN = {
    "euler": ".442 .281 .157 .0816 .0414 .0210",
    "heun": "- .106 .0219 .00474 .00113 .00060",
    "rk4": ".0216 .00341 8.4e-4 5.6e-4 5.36e-4 5.35e-4",
}
#: Runs whose map folds: T, solver, N.
FOLDED = {(8.0, "heun", 16), (16.0, "heun", 16), (16.0, "heun", 32), (16.0, "rk4", 16)}


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
    from solvers_zoo import registry
    from solvers_zoo.exact import transport_distance
    from solvers_zoo.processes.ou import OU
    from solvers_zoo.sampling.driver import sample
    from solvers_zoo.score_models.wrappers.score_error import ScoreError

    model = registry.model("mixture-1d", sde=OU(t_max=T))
    seen = ScoreError(model, delta, form) if delta else model
    sde, method = model.sde, registry.solver(solver, variable="t")

    def push(x: Any) -> Any:
        return sample(seen, solver=method, steps=steps, grid="uniform", x=x).x

    return transport_distance(
        model, push, sde.at(T), sde.at(sde.t_min), prior_std=None if start == "exact" else 1.0, cells=cells
    )


class TransportTV(Experiment):
    r"""Exact total variation between the image of N(0, 1) under the numerical map and three modes on the line.

    Ornstein-Uhlenbeck, uniform steps in t, T = 8 and 16. A cell's mass under the image is what it was at the start, so

        TV = 1/2 sum_i |P(start in cell i) - P(target in image of cell i)|

    needs no samples and no reference solver. What is left for small steps is the prior: N(0, 1) is not p_T, and an exact flow keeps
    total variation. From the exact p_T all orders show. At coarse steps Heun's map folds; TV then has no meaning and is left out.
    """

    card = StudyCard(
        name="transport-tv",
        title="Exact total variation on the line",
        claim="TV = O(delta + h^p) for Euler (p = 1), Heun (2) and RK4 (4), down to the error of the prior.",
        source=HUANG,
        seconds=65,
        quick_seconds=8,
    )
    cells: int = option(20_000, help="cells of equal mass", low=1000)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Do it; the quick form has at most 128 steps, half of the score errors and of the cells."""
        steps = STEPS[:4] if quick else (*STEPS, 1024)
        deltas = DELTAS[::2] if quick else DELTAS
        starts = ((8.0, "prior"), (8.0, "exact"), (16.0, "prior"))
        jobs: list[dict[str, Any]] = [
            {"solver": solver, "steps": n, "T": T, "start": start}
            for T, start in starts
            for solver in SOLVERS
            for n in steps
        ]
        jobs += [{"solver": "heun", "steps": steps[-1], "form": form, "delta": d} for form in FORMS for d in deltas]
        pairs = [] if quick else list(zip(TOTAL_STEPS, DELTAS, strict=True))
        jobs += [{"solver": "heun", "steps": n, "form": form, "delta": d} for form in FORMS for n, d in pairs]
        cells = min(self.cells, 10_000) if quick else self.cells
        return judge([_row(cells, **job) for job in track(jobs, progress)])


def _row(
    cells: int, solver: str, steps: int, T: float = 8.0, start: str = "prior", form: str = "exact", delta: float = 0.0
) -> Row:
    """One run."""
    error = "constant" if form == "exact" else form
    found = transport_run(solver, steps, T=T, start=start, delta=delta, form=error, cells=cells)
    return {
        "solver": solver,
        "steps": steps,
        "T": T,
        "start": start,
        "h": T / steps,
        "form": form,
        "delta": delta,
        "tv": found.tv,
        "kl": found.kl,
        "folds": found.folds,
    }


def judge(rows: list[Row]) -> Findings:
    """What the rows of any run say of the acceptance figures."""
    runs = [row for row in rows if row["form"] == "exact"]
    found = {(row["T"], row["solver"], row["steps"]): row["tv"] for row in runs if row["start"] == "prior"}
    from_exact = {(row["solver"], row["steps"]): row["tv"] for row in runs if row["start"] == "exact"}
    last = max(row["steps"] for row in runs)
    folds = {(row["T"], row["solver"], row["steps"]) for row in runs if row["folds"]}
    checks = [
        Check(
            "digits",
            "departure from an independent program, in units of the last digit that it noted",
            departure(found),
            0.0,
            1.0,
        ),
        Check("folds", "runs whose map folds though it should not, or the other way round", len(folds ^ FOLDED), 0, 0),
    ]
    near = {"euler": (0.97, 1.03), "heun": (1.9, 2.1), "rk4": (3.8, 4.1)}
    wide = {"euler": (0.9, 1.05), "heun": (1.9, 2.3), "rk4": (3.0, 4.2)}
    for solver, (low, high) in (near if last > 512 else wide).items():
        order = math.log2(from_exact[solver, last // 2] / from_exact[solver, last])
        checks.append(
            Check(
                f"order of {solver}",
                f"slope of TV in h from the exact p_T, N = {last // 2} to {last}",
                order,
                low,
                high,
            )
        )
    floor = found[8.0, "rk4", last]
    checks.append(
        Check("prior", f"TV of RK4 with {last} steps from N(0, 1) at T = 8: the prior's alone", floor, 5.3e-4, 5.7e-4)
    )
    if last > 512:
        checks.append(
            Check("prior at T = 16", "TV of RK4 with 512 steps from N(0, 1)", found[16.0, "rk4", 512], 0.0, 5e-6)
        )
    for form in FORMS:
        alone = [row for row in rows if row["form"] == form and row["steps"] == last and row["tv"] < 0.4]
        order = slope([row["delta"] for row in alone], [row["tv"] for row in alone])
        checks.append(
            Check(f"{form} error", "slope of TV in the score's error delta, as far as TV < .4", order, 0.94, 1.04)
        )
    from zoo_lectures.theory.transport_charts import convergence

    return Findings(rows, checks, {"convergence": lambda: convergence(rows)})


def departure(found: dict[tuple[float, str, int], float]) -> float:
    """How far TVs are from `KNOWN`, in units of the last digit that is noted there."""
    worst = 0.0
    for solver, words in KNOWN.items():
        for steps, word in zip(STEPS, words.split(), strict=True):
            if word != "-" and (8.0, solver, steps) in found:
                unit = 10.0 ** int(Decimal(word).as_tuple().exponent)
                worst = max(worst, abs(found[8.0, solver, steps] - float(word)) / unit)
    return worst
