"""PNDM: pseudo numerical methods, a Runge-Kutta start and then linear multistep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo import Past, SolverCard, Source, Step, StepSolver, combine, remember
from zoo_multistep.ipndm import ADAMS_BASHFORTH

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel

#: Steps of the start.
START = 3


class PNDM(StepSolver):
    r"""DDIM's step phi(x, eps, t, s), along noise predictions that are averaged as classical methods average slopes.

        start    e1 = eps(x, t),   x1 = phi(x, e1, t, m),   e2 = eps(x1, m),   x2 = phi(x, e2, t, m),   e3 = eps(x2, m),
                 x3 = phi(x, e3, t, s),   e4 = eps(x3, s),   e = (e1 + 2 e2 + 2 e3 + e4)/6,      m = (t + s)/2
        then     e = (55 e_0 - 59 e_1 + 37 e_2 - 9 e_3)/24

    and x_s = phi(x, e, t, s) = alpha_s/alpha_t x + alpha_s (rho_s - rho_t) e. The weights are those of equal steps in rho, so
    that the order is 2 on smooth grids. m is in the middle of the step in time, as in the paper.
    """

    card = SolverCard(
        name="pndm",
        title="PNDM",
        family="multistep",
        order=2,
        rough_order=1,
        evaluations=1,
        variable="sigma",
        memory=START,
        needs=("gaussian", "finite-lam"),
        aliases=("plms",),
        source=Source(
            authors="Liu et al. 2022",
            title="Pseudo Numerical Methods for Diffusion Models on Manifolds",
            arxiv="2202.09778",
            where="Algorithm 2, with eq. (11), (13) and (14)",
        ),
    )

    def nfe(self, steps: int) -> int:
        """Four calls in each of the first three steps, one in the others."""
        return steps + 3 * min(steps, START)

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> GaussianPoint:
        """The middle of the step, in time."""
        return grid.sde.at((t.t + s.t) / 2)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, one evaluation, or four at the start."""
        t, s, m, _ = interval
        now = model(x, t)
        e1 = now.eps
        history = remember(Past(t.t, t.lam, e1), memory, START)
        to = s.alpha * (s.rho - t.rho)
        if memory is not None and len(memory) == START:
            b = [to * b for b in ADAMS_BASHFORTH[4]]
            return Step(
                combine((s.alpha / t.alpha, x), (b[0], e1), *zip(b[1:], (p.D for p in memory), strict=True)), history
            )
        half = m.alpha * (m.rho - t.rho)
        e2 = model(now.mix(m.alpha, m.sigma), m).eps
        e3 = model(combine((m.alpha / t.alpha, x), (half, e2)), m).eps
        e4 = model(combine((s.alpha / t.alpha, x), (to, e3)), s).eps
        sixth = to / 6
        x_s = combine((s.alpha / t.alpha, x), (sixth, e1), (2 * sixth, e2), (2 * sixth, e3), (sixth, e4))
        return Step(x_s, history)
