"""Unadjusted Langevin dynamics at one fixed noise level."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import SolverCard, Source, Step, StepSolver, option
from zoo_langevin.kernel import langevin_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel


class Langevin(StepSolver):
    r"""Langevin dynamics on the law at the grid's last time, whatever the other times are.

        x <- x + eps/2 grad log p(x) + sqrt(eps) z,   z ~ N(0, I),   p = p_t at the last time

    Every interval of the grid is ``n_steps_each`` such steps, so the grid only counts them. On N(m, v) the chain's
    stationary law is N(m, v / (1 - eps/(4 v))), and it diverges from eps = 4 v on. Between modes that are far apart
    it does not mix: their weights stay those of the basins of attraction in which it started.
    """

    card = SolverCard(
        name="langevin",
        title="Unadjusted Langevin",
        family="langevin",
        stochastic=True,
        stationary=True,
        bias="on N(m, v) the variance settles at v / (1 - eps/(4 v))",
        needs=(),
        source=Source(
            authors="Song & Ermon 2019",
            title="Generative Modeling by Estimating Gradients of the Data Distribution",
            arxiv="1907.05600",
            where="eq. (4)",
        ),
    )
    eps: float = option(0.1, help="step size, in units of x squared", above=0.0)
    n_steps_each: int = option(1, help="Langevin steps an interval of the grid", low=1)

    def facts(self) -> SolverCard:
        """``n_steps_each`` calls an interval."""
        return replace(self.card, evaluations=self.n_steps_each)

    def plan(self, grid: Grid) -> Sequence[Any]:
        """The last point, for every interval."""
        return [grid[-1]] * grid.steps

    def stationary_variance(self, variance: float, grid: Grid) -> float:
        """v / (1 - eps/(4 v))."""
        return variance / (1 - self.eps / (4 * variance))

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """``n_steps_each`` steps of the chain."""
        return Step(langevin_kernel(model, x, interval.plan, self.eps, self.n_steps_each, noise))
