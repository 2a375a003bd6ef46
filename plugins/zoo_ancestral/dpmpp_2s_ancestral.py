"""DPM-Solver++(2S) ancestral."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Step
from solvers_zoo.numerics import log
from zoo_ancestral.ancestral import Ancestral, comfy, crowson
from zoo_ancestral.split import IN_FLOW_TIME

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


class DPMSolverPP2SAncestral(Ancestral):
    r"""DPM-Solver++(2S) with r = 1/2 down to rho_d, and fresh noise up to rho_s; y = x/alpha, rho = sigma/alpha.

        y_m = (rho_m/rho_t) y_t + (1 - rho_m/rho_t) x0_t,    rho_m = sqrt(rho_t rho_d)
        y_s = (rho_d/rho_t) y_t + (1 - rho_d/rho_t) x0_m + rho_up z

    rho_d and rho_up are Euler ancestral's; the middle lies half-way in lam.
    """

    card = SolverCard(
        name="dpmpp-2s-ancestral",
        title="DPM-Solver++(2S) ancestral",
        aliases=("dpmpp-2s-a",),
        family="ancestral",
        evaluations=2,
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=crowson("sample_dpmpp_2s_ancestral"),
    )
    still = ("dpmpp-2s",)

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> tuple[GaussianPoint, Scalar, Scalar]:
        """The middle of the interval, what is kept, and what is fresh."""
        kept, fresh = self.parts(t, s)
        return grid.sde.as_gaussian().at_lam((t.lam + log(s.alpha / kept)) / 2), kept, fresh

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, two evaluations."""
        t, s, (middle, kept, fresh) = interval.t, interval.s, interval.plan
        between = model(model(x, t).mix(middle.alpha, middle.sigma), middle)
        move = (kept / t.sigma, x), *between.terms(s.alpha - t.alpha * kept / t.sigma, 0.0)
        return Step(self.renoise(interval, fresh, noise, *move))


class DPMSolverPP2SAncestralRF(DPMSolverPP2SAncestral):
    r"""DPM-Solver++(2S) ancestral as it is written for rectified flows, where alpha = 1 - t and sigma = t.

        t_d = t_s (1 + eta (t_s/t_t - 1)),    lam_m = (lam_t + lam_d)/2
        x_d = (t_d/t_t) x_t + (1 - t_d/t_t) x0_m,    x_s = (1 - t_s)/(1 - t_d) x_d + fresh z

    The step is that of the plain form; the split is ``euler-ancestral-rf``'s.
    """

    card = SolverCard(
        name="dpmpp-2s-ancestral-rf",
        title="DPM-Solver++(2S) ancestral, rectified-flow form",
        family="ancestral",
        evaluations=2,
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=comfy("sample_dpmpp_2s_ancestral_RF"),
    )
    split = IN_FLOW_TIME
