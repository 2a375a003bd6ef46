"""The analytical first step: one evaluation less for any solver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import AnalyticFirstStep, OptionError, Solver, SolverCard, Source, State, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Grid, Noise, ScoreModel


class AFS(Solver):
    r"""Run ``solver`` with the prior's own score where the run begins: score(x, t_0) = -x/(alpha^2 v + sigma^2).

    Everything else is the solver's. What the first prediction is wrong by stays: an error of order 1 in the length of the first
    step, times the distance of the law there from N(0, alpha^2 v + sigma^2). From sigma = 80 it cannot be seen; from sigma = 2 it
    is the largest error of any solver of order 2 or more.
    """

    card = SolverCard(
        name="afs",
        title="Analytical first step",
        family="wrapper",
        order=1,
        needs=("gaussian", "decreasing"),
        source=Source(
            authors="Dockhorn, Vahdat & Kreis 2022",
            title="GENIE: Higher-Order Denoising Diffusion Solvers",
            arxiv="2210.05475",
            where="the experiments section, Analytical First Step (AFS)",
        ),
    )
    solver: Solver = option("heun", kind="solver", help="any solver that evaluates the model once where it begins")
    variance: float = option(1.0, help="variance of the data, v", low=0.0)

    def check(self) -> None:
        """One evaluation at the start, not a chain of them."""
        if self.solver.facts().stationary:
            raise OptionError(f"afs: solver = {self.solver} is not possible; it evaluates its first time many times.")

    def facts(self) -> SolverCard:
        """The solver's card with orders of at most 1."""
        inner = self.solver.facts()
        return replace(
            self.card.around(inner).also_needing(*self.card.needs),
            order=inner.order and min(inner.order, 1),
            nominal_order=None,
            rough_order=None,
            weak_order=inner.weak_order and min(inner.weak_order, 1),
            strong_order=None,
        )

    def nfe(self, steps: int) -> int | None:
        """One less than the solver's."""
        calls = self.solver.nfe(steps)
        return None if calls is None else calls - 1

    def report(self, state: State) -> dict[str, Any]:
        """What the solver reports of its run."""
        return self.solver.report(state)

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """The solver's run on the model with the prior's score at grid[0]."""
        return self.solver.solve(AnalyticFirstStep(model, grid[0], self.variance), x, grid, noise, state)
