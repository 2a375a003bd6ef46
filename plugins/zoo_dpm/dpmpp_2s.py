"""DPM-Solver++(2S): the single-step exponential integrator of order 2 on the data prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, expm1, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel


class DPMSolverPP2S(StepSolver):
    r"""Correct the first-order step by the slope of x0 in lam, taken at one point between.

        u   = sigma_1/sigma_t x_t - alpha_1 (e^(-r1 h) - 1) x0_t          at lam_1 = lam_t + r1 h,  h = lam_s - lam_t
        x_s = sigma_s/sigma_t x_t - alpha_s (e^-h - 1) x0_t + w (x0_u - x0_t),     w = alpha_s (1 - e^-h) / (2 r1)

    Both first terms are the first-order step, DDIM's, written as (alpha, sigma) in x0 and eps at t.
    """

    card = SolverCard(
        name="dpmpp-2s",
        title="DPM-Solver++(2S)",
        family="dpm",
        order=2,
        evaluations=2,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        aliases=("dpm-solver-pp-2s",),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
            arxiv="2211.01095",
            where="Algorithm 1",
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
        return middle, -s.alpha * expm1(-h) / (2 * self.r1)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, two evaluations."""
        s, (middle, w) = interval.s, interval.plan
        now = model(x, interval.t)
        between = model(now.mix(middle.alpha, middle.sigma), middle)
        return Step(combine(*now.terms(s.alpha - w, s.sigma), *between.terms(w, 0.0)))
