r"""Which deterministic solver is best for how many evaluations: a mixture in two dimensions where the answer is exact.

Data: .3 N((-1, .5), .3^2) + .7 N((1.2, -.4), .5^2). Process: EDM from sigma = 80 to 0.002, without a last denoise, started from
sixteen fixed draws of N(0, I), times 80. Error: root mean square over samples and coordinates against the exact probability flow.
The order found at ten evaluations is nearly that of the FIDs on CIFAR-10 (Spearman's coefficient .93), at no cost.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.bench.experiment import Check, Checks, Experiment, Findings, Progress, Row, Rows, column, silent, track
from zoo_lectures.ranking.numbers import BUDGETS, FID_AT_10, GRIDS, PUBLISHED, STARTS, rank_correlation

if TYPE_CHECKING:
    from torch import Tensor


class Ranking(Experiment):
    """Errors of solvers over their budget, the published implementations' figures, and the order of merit beside that of FIDs.

    With ``search`` every deterministic solver is tried on every grid, fitted ones included, and the five best of each budget are kept.
    """

    card = zoo.StudyCard(
        name="ranking",
        title="Which deterministic solver for how many evaluations",
        claim="On a mixture in two dimensions solvers stand in nearly the order of their FIDs on CIFAR-10.",
        source=zoo.Source(
            authors="The solvers_zoo authors",
            title="order of merit on an exact problem",
            link="https://github.com/zju-pi/diff-sampler",
            where="README: FID of 50,000 images, EDM network",
        ),
        seconds=30,
        quick_seconds=6,
    )
    solvers: str = zoo.option("", help="solvers, between commas; those of the published table if empty")
    grid: str = zoo.option("log-snr", help="the grid")
    search: bool = zoo.option(False, help="look for the best of all solvers and grids instead; some minutes")

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Every solver with every budget, or the search; the quick form has three budgets."""
        from zoo_lectures.ranking import charts

        budgets, solvers = (5, 10, 20) if quick else BUDGETS, registry.split_list(self.solvers)
        rows: list[Row] = []
        if self.search:
            names = solvers or list(deterministic())
            for nfe in track(budgets, progress):
                rows += [one._asdict() | {"nfe": nfe, "published": math.nan} for one in search(nfe, names)[:5]]
            return self.judge(rows, {"best": lambda: charts.best(rows)})
        solvers = solvers or [*PUBLISHED, *(name for name in FID_AT_10 if name not in PUBLISHED)]
        for solver, nfe in track([(solver, nfe) for solver in solvers for nfe in budgets], progress):
            published = dict(zip(BUDGETS, PUBLISHED.get(solver, ()), strict=False)) if self._of_the_table else {}
            facts = {"solver": solver, "nfe": nfe, "grid": self.grid, "error": error(solver, nfe, self.grid)}
            rows.append(facts | {"published": published.get(nfe, math.nan)})
        return self.judge(rows, {"ranking": lambda: charts.precision(rows)})

    @property
    def _of_the_table(self) -> bool:
        """Whether these are the solvers and the grid of the published table."""
        return not self.search and not self.solvers and self.grid == "log-snr"

    def checks(self, rows: Rows) -> Checks:
        """The acceptance figures of the published table."""
        if not self._of_the_table:
            return
        here = [error(solver, 10, self.grid) for solver in FID_AT_10]
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
        compared = [row for row in rows if row["published"] > 0 and row["solver"] != "dpmpp-2m"]
        worst = max(digits(row["error"], row["published"]) for row in compared)
        yield Check(
            "published",
            "departure from published implementations' errors, in units of the second digit",
            worst,
            0.0,
            0.55,
        )
        if set(column(rows, "nfe")) == set(BUDGETS):
            gain = max(fitted(nfe) / best_published(nfe) for nfe in (5, 6, 8, 10, 20))
            yield Check(
                "fitted grids",
                "error of the best on a fitted grid over the best published one, the largest over budgets",
                gain,
                0.0,
                0.8,
            )


class Found(NamedTuple):
    """An error, and what made it."""

    error: float
    solver: str
    grid: str


@functools.cache
def problem() -> tuple[zoo.Mixture, Tensor, Tensor]:
    """The model, the starts (16, 2) and where the exact flow takes them."""
    import torch

    from solvers_zoo.exact import reference_flow

    sde = zoo.EDM()
    model = zoo.Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.3**2, 0.5**2], sde=sde)
    x = sde.t_max * torch.tensor([*STARTS.values()], dtype=torch.float64).T
    return model, x, reference_flow(model, x, sde.at(sde.t_max), sde.at(sde.t_min))


def error(solver: str | zoo.Solver, nfe: int, grid: str = "log-snr") -> float:
    """Error of ``solver`` for at most ``nfe`` evaluations; NaN where it cannot run on so few, or not on this grid."""
    model, x, end = problem()
    try:
        done = zoo.sample(model, solver=solver, nfe=nfe, grid=grid, x=x)
    except zoo.ZooError:
        return math.nan
    return float((done.x - end).square().mean().sqrt())


def deterministic() -> Iterator[str]:
    """Names of the registered solvers of the probability flow that take a budget."""
    for facts in registry.cards("solver"):
        if not (facts.stochastic or facts.batch_coupled) and facts.order and facts.evaluations:
            yield facts.name


def search(nfe: int, solvers: Iterable[str], grids: Sequence[str] = GRIDS) -> list[Found]:
    """Every solver on every grid with ``nfe`` evaluations, the best first."""
    found = (Found(error(solver, nfe, grid), solver, grid) for solver in solvers for grid in grids)
    return sorted(one for one in found if not math.isnan(one.error))


def fitted(nfe: int) -> float:
    """The least error of three solvers on the log-SNR grid and on one that is fitted to the model."""
    return search(nfe, ("ipndm-3", "ipndm-4", "unipc-3(lower_order_final=true)"), ("log-snr", "gits"))[0].error


def best_published(nfe: int) -> float:
    """The least error of the published table."""
    return min(row[BUDGETS.index(nfe)] for row in PUBLISHED.values() if row[BUDGETS.index(nfe)] > 0)


def digits(value: float, printed: float) -> float:
    """How far ``value`` is from a figure printed with two digits, in units of the second."""
    return abs(value - printed) / 10.0 ** (math.floor(math.log10(printed)) - 1)
