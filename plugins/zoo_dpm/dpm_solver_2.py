"""DPM-Solver-2: the single-step exponential integrator of order 2 on the noise prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, expm1, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel


class DPMSolver2(StepSolver):
    r"""Correct the first-order step by the slope of eps in lam, taken at one point between.

        u   = alpha_1/alpha_t x_t - sigma_1 (e^(r1 h) - 1) eps_t          at lam_1 = lam_t + r1 h,  h = lam_s - lam_t
        x_s = alpha_s/alpha_t x_t - sigma_s (e^h - 1) eps_t - w (eps_u - eps_t),    w = sigma_s (e^h - 1) / (2 r1)

    Both first terms are DPM-Solver-1's step, written as (alpha, sigma) in x0 and eps at t.
    """

    card = SolverCard(
        name="dpm-solver-2",
        title="DPM-Solver-2",
        family="dpm",
        order=2,
        evaluations=2,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="Algorithm 1, with r1 left open",
        ),
    )
    r1: float = option(
        0.5, help="place of the intermediate point, as a fraction of the step in lam", above=0.0, high=1.0
    )

    def plan(self, grid: Grid) -> Sequence[Any]:
        """The intermediate point of every interval, and w."""
        return [self._between(grid.sde, t, s) for t, s in grid.intervals()]

    def _between(self, sde: Any, t: Any, s: Any) -> tuple[Any, Any]:
        h = s.lam - t.lam
        middle = s if self.r1 == 1 else sde.at_lam(t.lam + self.r1 * h)
        return middle, s.sigma * expm1(h) / (2 * self.r1)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, two evaluations."""
        s, (middle, w) = interval.s, interval.plan
        now = model(x, interval.t)
        between = model(now.mix(middle.alpha, middle.sigma), middle)
        return Step(combine(*now.terms(s.alpha, s.sigma + w), *between.terms(0.0, -w)))
