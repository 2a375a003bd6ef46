r"""The step-size rule of Chen and Benton on Gaussian targets: steps in proportion to the time that is left.

u_k - u_(k+1) <= kappa min(1, u_(k+1)) takes N = ceil((T - 1)/kappa) + ceil(log(1/tau) / log(1 + kappa)) steps. DDPM's
exponential integrator,

    Y' = e^h Y + 2 (e^h - 1) s(Y) + sqrt(e^(2h) - 1) z,      s(y) = -y / v(u_k),

keeps a Gaussian one, so its variance obeys a recursion and its KL divergence is exact. The solver itself is run too, on unit
probes; the recursion is what it is checked against.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, column, silent, slope, track
from solvers_zoo.registry.card import Source, StudyCard

if TYPE_CHECKING:
    from collections.abc import Sequence

KAPPAS = (0.4, 0.2, 0.1, 0.05, 0.025)
#: Steps from T = 8 to tau = 0.001 by the formula.
STEPS = (39, 73, 143, 282, 560)
#: Data variance -> KL divergences at `KAPPAS`, to three digits.
FIGURES = {
    0.0: (2.43e-2, 7.79e-3, 2.17e-3, 5.83e-4, 1.51e-4),
    0.25: (6.91e-3, 2.03e-3, 5.39e-4, 1.41e-4, 3.60e-5),
}
SOLVER = "exponential-sde"
GRIDS = ("kappa", "uniform", "quadratic", "log-snr", "karras")
WORDS = {0.0: "one point", 0.25: "N(0, 1/4)"}


class KappaRule(Experiment):
    """KL divergence over the number of steps, by the rule and on other grids; and the steps that each grid takes."""

    card = StudyCard(
        name="kappa",
        title="The step-size rule of Chen and Benton",
        claim="Steps of kappa min(1, time left) bring the KL divergence down like kappa^2, 500 times below that of as many equal steps.",
        source=Source(
            authors="Benton et al. 2024",
            title="Nearly d-Linear Convergence Bounds for Diffusion Models via Stochastic Localization",
            arxiv="2308.03686",
            where="Theorem 2",
        ),
        seconds=2,
        quick_seconds=2,
    )

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Every grid with as many steps as the rule takes, on both targets."""
        jobs = [(s2, kappa, grid) for s2 in FIGURES for kappa in KAPPAS for grid in GRIDS]
        rows = [self.case(*job) for job in track(jobs, progress)]
        return Findings(rows, self.checks(rows), {"kl": lambda: kl_chart(rows), "steps": steps_chart})

    def case(self, s2: float, kappa: float, name: str) -> Row:
        """One grid on N(0, s2)."""
        from solvers_zoo.score_models.gaussian import Gaussian
        from zoo_lectures.bounds.laws import Normal, gaussian_law

        sde, times = process(), grid_times(name, kappa)
        law = gaussian_law(Gaussian([0.0], s2, sde), SOLVER, _grid(sde, times))
        true, steps = Normal(0.0, variance_at(sde.t_min, s2)), len(times) - 1
        row = {"target": WORDS[s2], "s2": s2, "kappa": kappa, "grid": name, "steps": steps, "kl": true.kl(law)}
        return {
            **row,
            "recursion": true.kl(Normal(0.0, final_variance(times, s2))),
            "excess": excess(times, kappa),
            "bound": kappa**2 * steps + kappa * sde.t_max + math.exp(-2 * sde.t_max),
        }

    def checks(self, rows: list[Row]) -> list[Check]:
        """The rule, the number of steps, the figures, their slope, the bound, and what the rule wins."""
        ruled = [row for row in rows if row["grid"] == "kappa"]
        counts = dict(zip(KAPPAS, STEPS, strict=True))
        checks = [
            Check(
                "rule",
                "no step is longer than kappa min(1, time left), to rounding",
                high=1e-12,
                value=max(row["excess"] for row in ruled),
            ),
            Check(
                "steps",
                "the number of steps is the formula's: largest difference",
                high=0.0,
                value=max(abs(row["steps"] - counts[row["kappa"]]) for row in ruled),
            ),
            Check(
                "bound",
                "KL over the bound with constant 1",
                max(row["kl"] / row["bound"] for row in ruled),
                high=1.0,
            ),
            Check(
                "recursion",
                "the solver's KL is that of the variance recursion, relatively",
                high=1e-7,
                value=max(abs(row["kl"] / row["recursion"] - 1) for row in rows),
            ),
        ]
        for s2, figures in FIGURES.items():
            kl = column(ruled, "kl", s2=s2)
            off = max(abs(got / figure - 1) for got, figure in zip(kl, figures, strict=True))
            checks.append(
                Check(f"figures, {WORDS[s2]}", "the KL divergences are those of `FIGURES`, relatively", off, high=3e-3)
            )
            falls = f"on {WORDS[s2]} the KL falls at least like kappa, and nearly like its square"
            checks.append(Check(f"slope, {WORDS[s2]}", falls, slope(KAPPAS[-2:], kl[-2:]), 1.0, 2.05))
            (equal,) = column(rows, "kl", s2=s2, kappa=0.1, grid="uniform")
            (rule,) = column(rows, "kl", s2=s2, kappa=0.1, grid="kappa")
            wins = f"on {WORDS[s2]} 143 equal steps have a larger KL, by this factor"
            checks.append(Check(f"wins, {WORDS[s2]}", wins, equal / rule, low=500 if s2 == 0 else 20))
        return checks


# -- the arithmetic ----------------------------------------------------------------------------------------------------


def process() -> Any:
    """Ornstein-Uhlenbeck from T = 8 to tau = 0.001."""
    from solvers_zoo.processes.ou import OU

    return OU(t_min=1e-3, t_max=8.0)


def grid_times(name: str, kappa: float) -> Sequence[float]:
    """The times of a grid with as many steps as the rule takes with ``kappa``."""
    from solvers_zoo import registry
    from solvers_zoo.time_grids.kappa import Kappa

    ruled: Any = Kappa(kappa=kappa).make_grid(process())
    times: Sequence[float] = (
        ruled.times if name == "kappa" else registry.grid(name).make_grid(process(), ruled.steps).times
    )
    return times


def _grid(sde: Any, times: Sequence[float]) -> Any:
    from solvers_zoo.time_grids.base import Grid

    return Grid(sde, times)


def variance_at(u: float, s2: float) -> float:
    """Variance of N(0, s2) at time u of the Ornstein-Uhlenbeck process."""
    return s2 * math.exp(-2 * u) - math.expm1(-2 * u)


def final_variance(times: Sequence[float], s2: float) -> float:
    """Variance of the exponential integrator's result on N(0, s2), from N(0, 1)."""
    variance = 1.0
    for t, s in pairwise(times):
        h = t - s
        variance = (math.exp(h) - 2 * math.expm1(h) / variance_at(t, s2)) ** 2 * variance + math.expm1(2 * h)
    return variance


def excess(times: Sequence[float], kappa: float) -> float:
    """By how much the worst step is longer than kappa min(1, time left), as a share of that."""
    return max((t - s) / (kappa * min(1.0, s)) - 1 for t, s in pairwise(times))


# -- charts ------------------------------------------------------------------------------------------------------------


def kl_chart(rows: list[Row]) -> Any:
    """KL over the number of steps, a line for each grid."""
    from solvers_zoo.charts import lines

    return lines(
        rows,
        "steps",
        "kl",
        "grid",
        panel="target",
        panels=list(WORDS.values()),
        width=300,
        height=300,
        x_title="steps",
        y_title="KL divergence (nats)",
        title="Steps in proportion to the time that is left",
        subtitle="DDPM's exponential integrator on N(0, s²), exact; Ornstein-Uhlenbeck from T = 8 to τ = 0.001",
    )


def steps_chart() -> Any:
    """Length of every step over the time that is left after it, at 143 steps."""
    from solvers_zoo.charts import lines

    rows = [{"left": s, "step": t - s, "grid": name} for name in GRIDS for t, s in pairwise(grid_times(name, 0.1))]
    return lines(
        rows,
        "left",
        "step",
        "grid",
        points=False,
        width=480,
        x_title="time left, u",
        y_title="length of the step",
        title="What each grid does with 143 steps",
        subtitle="the rule: at most κ min(1, u), with κ = 0.1",
    )
