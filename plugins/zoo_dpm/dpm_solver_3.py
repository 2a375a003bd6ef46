"""DPM-Solver-3: the single-step exponential integrator of order 3 on the noise prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option, phi

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel


class DPMSolver3(StepSolver):
    r"""Two intermediate points, at lam_i = lam_t + r_i h with h = lam_s - lam_t.

        u1  = alpha_1/alpha_t x_t - sigma_1 (e^(r1 h) - 1) eps_t
        u2  = alpha_2/alpha_t x_t - sigma_2 (e^(r2 h) - 1) eps_t - w1 (eps_u1 - eps_t),  w1 = sigma_2 r2^2 h phi_2(r2 h) / r1
        x_s = alpha_s/alpha_t x_t - sigma_s (e^h - 1) eps_t      - w2 (eps_u2 - eps_t),  w2 = sigma_s h phi_2(h) / r2

    The paper writes (e^z - 1)/z - 1 for z phi_2(z). The first two terms of each line are DPM-Solver-1's step, written as
    (alpha, sigma) in x0 and eps at t. The order is 3 at r2 = 2/3, whatever r1, and 2 at any other r2.
    """

    card = SolverCard(
        name="dpm-solver-3",
        title="DPM-Solver-3",
        family="dpm",
        order=3,
        evaluations=3,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="Algorithm 2, with r1 and r2 left open",
        ),
    )
    r1: float = option(1 / 3, help="place of the first intermediate point, a fraction of the step", above=0.0, high=1.0)
    r2: float = option(2 / 3, help="place of the second intermediate point", above=0.0, high=1.0)

    def facts(self) -> SolverCard:
        """Order 3 needs r2 = 2/3: the paper's default."""
        return self.card if abs(self.r2 - 2 / 3) < 1e-9 else replace(self.card, order=2)

    def plan(self, grid: Grid) -> Sequence[Any]:
        """The intermediate points of every interval, w1 and w2."""
        return [self._between(grid.sde, t, s) for t, s in grid.intervals()]

    def _between(self, sde: Any, t: Any, s: Any) -> tuple[Any, Any, Any, Any]:
        h, r1, r2 = s.lam - t.lam, self.r1, self.r2
        one, two = (s if r == 1 else sde.at_lam(t.lam + r * h) for r in (r1, r2))
        return one, two, two.sigma * r2**2 * h * phi(2, r2 * h) / r1, s.sigma * h * phi(2, h) / r2

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, three evaluations."""
        s, (one, two, w1, w2) = interval.s, interval.plan
        now = model(x, interval.t)
        first = model(now.mix(one.alpha, one.sigma), one)
        u2 = combine(*now.terms(two.alpha, two.sigma + w1), *first.terms(0.0, -w1))
        second = model(u2, two)
        return Step(combine(*now.terms(s.alpha, s.sigma + w2), *second.terms(0.0, -w2)))
