"""PFDiff: a midpoint step for one evaluation, led to the midpoint by the noise prediction of the step before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import VARIABLES, Past, SolverCard, Source, Step, StepSolver, combine, option, remember

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel


class PFDiff(StepSolver):
    r"""Reach the middle m of the step by the past score, and make the step by the score found there.

        x_m = ddim(x_t, t -> m; eps_past)                the springboard
        x_s = ddim(x_t, t -> s; eps(x_m, m))             and eps(x_m, m) is the next step's eps_past

    with ddim(x, t -> s; eps) = alpha_s x / alpha_t + (sigma_s - alpha_s sigma_t / alpha_t) eps. The first step has no past and is
    DDIM's. eps_past is O(h) from the noise at t, so x_m is O(h^2) from the flow, and the step of second order.

    This is PFDiff-1: a step here is two of the paper's, whose grid includes the middles.
    """

    card = SolverCard(
        name="pfdiff",
        title="PFDiff-1",
        family="pfdiff",
        order=2,
        evaluations=1,
        memory=1,
        needs=("gaussian", "finite-end"),
        source=Source(
            authors="Wang et al. 2025",
            title="PFDiff: Training-Free Acceleration of Diffusion Models Combining Past and Future Scores",
            arxiv="2408.08822",
            where="Figure 2 with k = h = 1, on DDIM",
        ),
    )
    middle: str = option("lam", help="the variable whose mean over the step is the middle", choices=tuple(VARIABLES))

    def facts(self) -> SolverCard:
        """Times have a middle even where the log-SNR is infinite."""
        return replace(self.card, variable=self.middle, needs=("gaussian",) if self.middle == "t" else self.card.needs)

    def plan(self, grid: Grid) -> Sequence[Any]:
        """The middle of every interval; the first, which may begin where alpha = 0, needs none."""
        clock, point = VARIABLES[self.middle].clock, VARIABLES[self.middle].point
        return [None, *(point(grid.sde, (clock(t) + clock(s)) / 2) for t, s in [*grid.intervals()][1:])]

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, one evaluation; memory is the last noise prediction."""
        t, s, m = interval.t, interval.s, interval.plan
        if memory is None:
            now = model(x, t)
            return Step(now.mix(s.alpha, s.sigma), remember(Past(t.t, t.lam, now.eps), memory, keep=1))
        past = memory[0].D
        springboard = combine((m.alpha / t.alpha, x), (m.sigma - m.alpha * t.rho, past))
        future = model(springboard, m).eps
        x_s = combine((s.alpha / t.alpha, x), (s.sigma - s.alpha * t.rho, future))
        return Step(x_s, remember(Past(m.t, m.lam, future), memory, keep=1))
