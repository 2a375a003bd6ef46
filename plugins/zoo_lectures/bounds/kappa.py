r"""The step-size rule of Chen and Benton on Gaussian targets: steps in proportion to the time that is left.

u_k - u_(k+1) <= kappa min(1, u_(k+1)) takes N = ceil((T - 1)/kappa) + ceil(log(1/tau) / log(1 + kappa)) steps. DDPM's
exponential integrator,

    Y' = e^h Y + 2 (e^h - 1) s(Y) + sqrt(e^(2h) - 1) z,      s(y) = -y / v(u_k),

keeps a Gaussian one, so its variance obeys a recursion and its KL divergence is exact. The solver itself is run too, on unit
probes, and checked against the recursion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import (
    Check,
    Checks,
    Experiment,
    Findings,
    Progress,
    Row,
    Rows,
    column,
    only,
    ratios,
    silent,
    slope,
    track,
    where,
)
from zoo_lectures.bounds.numbers import BENTON, KAPPAS, NARROW, ONE_POINT, VARIANCES

#: Steps from T = 8 to tau = 0.001 by the formula.
STEPS = (39, 73, 143, 282, 560)
#: Target -> KL divergences at `KAPPAS`, to three digits.
FIGURES = {
    ONE_POINT: (2.43e-2, 7.79e-3, 2.17e-3, 5.83e-4, 1.51e-4),
    NARROW: (6.91e-3, 2.03e-3, 5.39e-4, 1.41e-4, 3.60e-5),
}
#: Time grids that are compared, the rule's first.
GRIDS = ("kappa", "uniform", "quadratic", "log-snr", "karras")


class KappaRule(Experiment):
    """KL divergence over the number of steps, by the rule and on other grids; and the steps that each grid takes."""

    card = zoo.StudyCard(
        name="kappa",
        title="The step-size rule of Chen and Benton",
        claim="Steps of kappa min(1, time left) bring the KL divergence down like kappa^2, 500 times below that of as many equal steps.",
        source=BENTON,
        seconds=2,
        quick_seconds=2,
    )

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Every grid with as many steps as the rule takes, on both targets."""
        from zoo_lectures.bounds import charts

        jobs = [(target, kappa, grid) for target in FIGURES for kappa in KAPPAS for grid in GRIDS]
        rows = [case(*job) for job in track(jobs, progress)]
        return self.judge(rows, {"kl": lambda: charts.kappa(rows), "steps": lambda: charts.steps(lengths())})

    def checks(self, rows: Rows) -> Checks:
        """The rule, the number of steps, the figures, their slope, the bound, and what the rule wins."""
        ruled = where(rows, grid="kappa")
        longest = max(column(ruled, "excess"))
        yield Check("rule", "no step is longer than kappa min(1, time left), to rounding", longest, high=1e-12)
        counts = dict(zip(KAPPAS, STEPS, strict=True))
        most = max(abs(row["steps"] - counts[row["kappa"]]) for row in ruled)
        yield Check("steps", "the number of steps is the formula's: largest difference", most, high=0.0)
        yield Check("bound", "KL over the bound with constant 1", max(ratios(ruled, "kl", "bound")), high=1.0)
        most = max(abs(ratio - 1) for ratio in ratios(rows, "kl", "recursion"))
        yield Check("recursion", "the solver's KL is that of the variance recursion, relatively", most, high=1e-7)
        for target, figures in FIGURES.items():
            kl = column(ruled, "kl", target=target)
            off = max(abs(got / figure - 1) for got, figure in zip(kl, figures, strict=True))
            yield Check(f"figures, {target}", "the KL divergences are those of `FIGURES`, relatively", off, high=3e-3)
            yield Check(
                f"slope, {target}",
                f"on {target} the KL falls at least like kappa, and nearly like its square",
                slope(KAPPAS[-2:], kl[-2:]),
                1.0,
                2.05,
            )
            equal, rule = (only(rows, target=target, kappa=0.1, grid=grid)["kl"] for grid in ("uniform", "kappa"))
            yield Check(
                f"wins, {target}",
                f"on {target} 143 equal steps have a larger KL, by this factor",
                equal / rule,
                low=500 if target == ONE_POINT else 20,
            )


def case(target: str, kappa: float, name: str) -> Row:
    """One grid on one target."""
    from zoo_lectures.bounds.laws import Normal, gaussian_law

    sde, times, s2 = process(), grid_times(name, kappa), VARIANCES[target]
    grid = zoo.Grid(sde, times)
    law = gaussian_law(zoo.Gaussian([0.0], s2, sde), "exponential-sde", grid)
    true = Normal(0.0, variance_at(sde.t_min, s2))
    row = {"target": target, "s2": s2, "kappa": kappa, "grid": name, "steps": grid.steps, "kl": true.kl(law)}
    return {
        **row,
        "recursion": true.kl(Normal(0.0, final_variance(times, s2))),
        "excess": excess(times, kappa),
        "bound": bound(kappa, grid),
    }


def process() -> zoo.OU:
    """Ornstein-Uhlenbeck from T = 8 to tau = 0.001."""
    return zoo.OU(t_min=1e-3, t_max=8.0)


def rule(sde: zoo.GaussianSDE, kappa: float) -> zoo.Grid:
    """The rule's own grid."""
    return zoo.grid("kappa", kappa=kappa).make_grid(sde)


def bound(kappa: float, grid: zoo.Grid, d: int = 1) -> float:
    """d (kappa^2 N + kappa T + e^(-2T)): the bound with the constant 1, for an exact score."""
    T = grid.sde.t_max
    return d * (kappa**2 * grid.steps + kappa * T + math.exp(-2 * T))


def grid_times(name: str, kappa: float) -> Sequence[float]:
    """The times of a grid with as many steps as the rule takes with ``kappa``."""
    ruled = rule(process(), kappa)
    other: zoo.Grid = ruled if name == "kappa" else zoo.grid(name).make_grid(process(), ruled.steps)
    return other.times


def lengths() -> list[Row]:
    """Every step of every grid at 143 steps, and the time that is left after it."""
    return [{"left": s, "step": t - s, "grid": name} for name in GRIDS for t, s in pairwise(grid_times(name, 0.1))]


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
