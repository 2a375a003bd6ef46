"""DPM2 ancestral: the midpoint rule at the geometric mean of two noise levels, and fresh noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Step
from solvers_zoo.numerics import divide, log, sqrt
from zoo_ancestral.ancestral import Ancestral, comfy, crowson
from zoo_ancestral.split import IN_FLOW_TIME, flow_time

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


class DPM2Ancestral(Ancestral):
    r"""The midpoint rule in rho = sigma/alpha down to rho_d, and fresh noise up to rho_s.

        y_m = y_t + (rho_m - rho_t) eps_t,    rho_m = sqrt(rho_t rho_d),    y = x/alpha
        y_s = y_t + (rho_d - rho_t) eps_m + rho_up z

    rho_d and rho_up are Euler ancestral's. The middle lies half-way in lam, which is half-way in rho up to O(h^2); at
    eta = 1 it is rho_s itself, and at eta = 0 the step is DPM-Solver-2's.
    """

    card = SolverCard(
        name="dpm2-ancestral",
        title="DPM2 ancestral",
        aliases=("dpm2-a",),
        family="ancestral",
        evaluations=2,
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="sigma",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=crowson("sample_dpm_2_ancestral"),
    )
    still = ("dpm-solver-2",)

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> tuple[GaussianPoint, Scalar, Scalar]:
        """The middle of the interval, the weight of eps_m there, and what is fresh."""
        kept, fresh = self.parts(t, s)
        middle = grid.sde.as_gaussian().at_lam((t.lam + log(s.alpha / kept)) / 2)
        return middle, kept - s.alpha * t.rho, fresh

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, two evaluations."""
        t, s, (middle, w, fresh) = interval.t, interval.s, interval.plan
        between = model(model(x, t).mix(middle.alpha, middle.sigma), middle)
        return Step(self.renoise(interval, fresh, noise, (s.alpha / t.alpha, x), *between.terms(0.0, w)))


class DPM2AncestralRF(Ancestral):
    r"""The midpoint rule in the time of a rectified flow down to t_d, and fresh noise up to t_s.

        x_m = x_t + (t_m - t_t) v_t,    t_m = sqrt(t_t t_d),    v = eps - x0
        x_d = x_t + (t_d - t_t) v_m,    x_s = (1 - t_s)/(1 - t_d) x_d + fresh z

    t_d and what is fresh are those of ``euler-ancestral-rf``. It differs from DPM2 ancestral in the split and in the variable
    of the midpoint rule, and so begins where alpha = 0 too.
    """

    card = SolverCard(
        name="dpm2-ancestral-rf",
        title="DPM2 ancestral, rectified-flow form",
        family="ancestral",
        evaluations=2,
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="t",
        needs=("gaussian", "decreasing"),
        source=comfy("sample_dpm_2_ancestral_RF"),
    )
    split = IN_FLOW_TIME

    def plan_interval(
        self, grid: Grid, t: GaussianPoint, s: GaussianPoint
    ) -> tuple[GaussianPoint, Scalar, Scalar, Scalar]:
        """The middle of the interval, the weights of x_t and of v_m, and what is fresh."""
        kept, fresh = self.parts(t, s)
        u_t, u_d = flow_time(t), kept / (s.alpha + kept)
        u_m = sqrt(u_t * u_d)
        scale = s.alpha + kept  # alpha_s / (1 - u_d)
        return (
            grid.sde.as_gaussian().at_rho(divide(u_m, 1 - u_m)),
            scale / (t.alpha + t.sigma),
            scale * (u_d - u_t),
            fresh,
        )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, two evaluations."""
        middle, a, w, fresh = interval.plan
        between = model(model(x, interval.t).mix(middle.alpha, middle.sigma), middle)
        return Step(self.renoise(interval, fresh, noise, (a, x), *between.terms(-w, w)))
