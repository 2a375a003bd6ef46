r"""Which deterministic solver is best for how many evaluations: a mixture in two dimensions where the answer is exact.

Data: .3 N((-1, .5), .3^2) + .7 N((1.2, -.4), .5^2). Process: EDM from sigma = 80 to 0.002, without a last denoise, started from
sixteen fixed draws of N(0, I), times 80. Error: root mean square over samples and coordinates against the exact probability flow.
The order found at ten evaluations is nearly that of the FIDs on CIFAR-10 (Spearman's coefficient .93), at no cost.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, silent, track
from solvers_zoo.errors import ZooError
from solvers_zoo.registry.card import Source, StudyCard
from solvers_zoo.registry.options import option
from solvers_zoo.registry.spec import split_list

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.score_models.mixture import Mixture
    from solvers_zoo.solving.stepping import Solver

BUDGETS = (5, 6, 8, 10, 12, 16, 20, 35)

#: Errors of the published implementations (diff-sampler, dpm-solver, k-diffusion) on the log-SNR grid, at `BUDGETS`.
PUBLISHED: dict[str, tuple[float, ...]] = {
    "ddim": (0.29, 0.24, 0.18, 0.14, 0.12, 0.087, 0.070, 0.040),
    "heun": (math.nan, 3.3, 1.8, 0.80, 0.46, 0.20, 0.12, math.nan),
    "dpm-solver-2": (math.nan, 1.3, 0.68, 0.26, 0.24, 0.10, 0.057, math.nan),
    "ipndm-3": (0.12, 0.032, 0.016, 0.012, 0.010, 0.0071, 0.0051, 0.0019),
    "dpmpp-2m": (0.13, 0.075, 0.074, 0.056, 0.040, 0.022, 0.014, 0.0042),
    "dpmpp-3m-published(lower_order_final=true)": (0.35, 0.30, 0.14, 0.042, 0.017, 0.0070, 0.0043, 0.0012),
    "unipc-2(lower_order_final=true)": (0.14, 0.090, 0.075, 0.046, 0.027, 0.011, 0.0057, 0.0013),
    "unipc-3(lower_order_final=true)": (0.41, 0.34, 0.12, 0.050, 0.025, 0.0095, 0.0047, 0.00046),
    "lms-3": (0.26, 0.20, 0.13, 0.085, 0.061, 0.035, 0.021, 0.0058),
    "exp-adams-4": (0.12, 0.29, 0.18, 0.021, 0.033, 0.012, 0.0042, 0.00031),
}

#: FID of 50,000 CIFAR-10 images at ten evaluations with the unconditional EDM network: README of zju-pi/diff-sampler.
FID_AT_10 = {
    "ddim": 15.69,
    "heun": 15.93,
    "dpm-solver-2": 5.01,
    "dpmpp-3m-published(lower_order_final=true)": 3.00,
    "unipc-3(lower_order_final=true)": 2.89,
    "deis-tab3": 4.09,
    "ipndm-4": 2.77,
}

#: Grids among which the best is looked for.
GRIDS = ("log-snr", "karras", "flow-shift(shift=1)", "beta", "gits", "gits(base=log-snr)")

#: z, so that the figures need no generator.
STARTS = (
    (-2.3104, -0.3733),
    (-1.0608, 0.9995),
    (-0.8840, -1.2755),
    (-0.6232, -0.8664),
    (-1.2956, 1.5236),
    (0.3237, 2.0177),
    (1.1357, -1.2269),
    (0.0714, 0.3380),
    (0.1535, -0.6333),
    (-1.2609, -0.7270),
    (-0.0200, 0.2103),
    (0.1772, -0.8305),
    (1.0112, -0.2427),
    (-0.7730, -1.5952),
    (-0.6870, 1.4881),
    (-0.4484, -0.8910),
)


class Found(NamedTuple):
    """An error, and what made it."""

    error: float
    solver: str
    grid: str


@functools.cache
def problem() -> tuple[Mixture, Tensor, Tensor]:
    """The model, the starts (16, 2) and where the exact flow takes them."""
    import torch

    from solvers_zoo.exact import reference_flow
    from solvers_zoo.processes.edm import EDM
    from solvers_zoo.score_models.mixture import Mixture

    model = Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.3**2, 0.5**2], sde=EDM())
    sde = model.sde.as_gaussian()
    x = sde.t_max * torch.tensor(STARTS, dtype=torch.float64)
    return model, x, reference_flow(model, x, sde.at(sde.t_max), sde.at(sde.t_min))


def error(solver: str | Solver, nfe: int, grid: Any = "log-snr") -> float:
    """Error of ``solver`` for at most ``nfe`` evaluations; NaN where it cannot run on so few, or not on this grid."""
    from solvers_zoo.sampling.driver import sample

    model, x, end = problem()
    try:
        done = sample(model, solver=solver, nfe=nfe, grid=grid, x=x)
    except ZooError:
        return math.nan
    return float((done.x - end).square().mean().sqrt())


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's coefficient of two sequences without ties."""
    ranks = [[sorted(values).index(value) for value in values] for values in (x, y)]
    n = len(x)
    return 1 - 6 * sum((a - b) ** 2 for a, b in zip(*ranks, strict=True)) / (n * (n * n - 1))


def agreement_with_fid(grid: Any = "log-snr") -> float:
    """Spearman's coefficient between the errors at ten evaluations and the FIDs of `FID_AT_10`."""
    return rank_correlation([error(solver, 10, grid) for solver in FID_AT_10], list(FID_AT_10.values()))


def deterministic() -> Iterator[str]:
    """Names of the registered solvers of the probability flow that take a budget."""
    from solvers_zoo import registry

    for entry in registry.default().entries("solver"):
        facts: Any = entry.card
        if not (facts.stochastic or facts.batch_coupled) and facts.order and facts.evaluations:
            yield facts.name


def search(nfe: int, solvers: Iterable[str], grids: Sequence[str] = GRIDS) -> list[Found]:
    """Every solver on every grid with ``nfe`` evaluations, the best first."""
    found = (Found(error(solver, nfe, grid), solver, grid) for solver in solvers for grid in grids)
    return sorted(one for one in found if not math.isnan(one.error))


class Ranking(Experiment):
    """Errors of solvers over their budget, the published implementations' figures, and the order of merit beside that of FIDs.

    With ``search`` every deterministic solver is tried on every grid, fitted ones included, and the five best of each budget are kept.
    """

    card = StudyCard(
        name="ranking",
        title="Which deterministic solver for how many evaluations",
        claim="On a mixture in two dimensions solvers stand in nearly the order of their FIDs on CIFAR-10.",
        source=Source(
            authors="The solvers_zoo authors",
            title="order of merit on an exact problem",
            link="https://github.com/zju-pi/diff-sampler",
            where="README: FID of 50,000 images, EDM network",
        ),
        seconds=30,
        quick_seconds=6,
    )
    solvers: str = option("", help="solvers, between commas; those of the published table if empty")
    grid: str = option("log-snr", help="the grid")
    search: bool = option(False, help="look for the best of all solvers and grids instead; some minutes")

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Do it; the quick form has three budgets."""
        budgets = (5, 10, 20) if quick else BUDGETS
        if self.search:
            return self._search(budgets, progress)
        known = not self.solvers and self.grid == "log-snr"
        solvers = split_list(self.solvers) or [*PUBLISHED, *(name for name in FID_AT_10 if name not in PUBLISHED)]
        rows: list[Row] = []
        for solver, nfe in track([(solver, nfe) for solver in solvers for nfe in budgets], progress):
            there = PUBLISHED.get(solver, (math.nan,) * len(BUDGETS))[BUDGETS.index(nfe)] if known else math.nan
            rows.append(
                {
                    "solver": solver,
                    "nfe": nfe,
                    "grid": self.grid,
                    "error": error(solver, nfe, self.grid),
                    "published": there,
                }
            )
        from zoo_lectures.ranking.charts import precision

        return Findings(
            rows, list(_checks(rows, self.grid, quick)) if known else [], {"ranking": lambda: precision(rows)}
        )

    def _search(self, budgets: Sequence[int], progress: Progress) -> Findings:
        names = split_list(self.solvers) or list(deterministic())
        rows: list[Row] = []
        for nfe in track(budgets, progress):
            rows += [one._asdict() | {"nfe": nfe, "published": math.nan} for one in search(nfe, names)[:5]]
        from zoo_lectures.ranking.charts import best

        return Findings(rows, [], {"best": lambda: best(rows)})


def _checks(rows: Sequence[Row], grid: str, quick: bool) -> Iterator[Check]:
    """The acceptance figures of the published table."""
    here = [error(solver, 10, grid) for solver in FID_AT_10]
    fids = list(FID_AT_10.values())
    yield Check(
        "rank correlation",
        "Spearman's coefficient of errors at NFE 10 and FIDs",
        rank_correlation(here, fids),
        0.85,
        1.0,
    )
    best = sorted(here).index(here[fids.index(min(fids))]) + 1
    yield Check("winner", "rank, at NFE 10, of the solver with the best FID", best, 1, 1)
    # the published DPM-Solver++(2M) lowers the order of its last step, which the zoo's has no need of
    worst = max(
        digits(row["error"], row["published"]) for row in rows if row["published"] > 0 and row["solver"] != "dpmpp-2m"
    )
    yield Check(
        "published", "departure from published implementations' errors, in units of the second digit", worst, 0.0, 0.55
    )
    if not quick:
        gain = max(
            search(nfe, ("ipndm-3", "ipndm-4", "unipc-3(lower_order_final=true)"), ("log-snr", "gits"))[0].error
            / min(row[BUDGETS.index(nfe)] for row in PUBLISHED.values() if row[BUDGETS.index(nfe)] > 0)
            for nfe in (5, 6, 8, 10, 20)
        )
        yield Check(
            "fitted grids",
            "error of the best on a fitted grid over the best published one, the largest over budgets",
            gain,
            0.0,
            0.8,
        )


def digits(value: float, printed: float) -> float:
    """How far ``value`` is from a figure printed with two digits, in units of the second."""
    return abs(value - printed) / 10.0 ** (math.floor(math.log10(printed)) - 1)
