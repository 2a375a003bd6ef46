"""Euler ancestral ("Euler a")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Step
from zoo_ancestral.ancestral import Ancestral, comfy, crowson
from zoo_ancestral.split import IN_FLOW_TIME

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class EulerAncestral(Ancestral):
    r"""Euler in rho = sigma/alpha down to rho_d, and fresh noise up to rho_s.

        y_d = y_t + (rho_d - rho_t) eps,    y_s = y_d + rho_up z,    y = x/alpha
        rho_up = eta sqrt(rho_s^2 (rho_t^2 - rho_s^2) / rho_t^2),    rho_d = sqrt(rho_s^2 - rho_up^2)

    In x: x_s = alpha_s x0 + kept eps + fresh z. It is DDIM with the same eta, on every process, and DDPM at eta = 1.
    """

    card = SolverCard(
        name="euler-ancestral",
        title="Euler ancestral",
        aliases=("euler-a",),
        family="ancestral",
        weak_order=1,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="sigma",
        needs=("gaussian", "decreasing"),
        equivalents=("ddpm", "ddim(eta=1)"),
        source=crowson("sample_euler_ancestral"),
    )
    still = ("ddim", "euler")

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, one evaluation."""
        t, s = interval.t, interval.s
        kept, fresh = self.parts(t, s)
        return Step(self.renoise(interval, fresh, noise, *model(x, t).terms(s.alpha, kept)))


class EulerAncestralRF(EulerAncestral):
    r"""Euler ancestral as it is written for rectified flows, where alpha = 1 - t and sigma = t.

        t_d = t_s (1 + eta (t_s/t_t - 1))
        x_d = (t_d/t_t) x_t + (1 - t_d/t_t) x0
        x_s = (1 - t_s)/(1 - t_d) x_d + sqrt(t_s^2 - t_d^2 (1 - t_s)^2/(1 - t_d)^2) z

    Another split than Euler ancestral's, so another method, also at eta = 1; its noise level is sqrt(eta). On any other process
    the times are those of the rectified flow to which x/(alpha + sigma) belongs, t = sigma/(alpha + sigma).
    """

    card = SolverCard(
        name="euler-ancestral-rf",
        title="Euler ancestral, rectified-flow form",
        family="ancestral",
        weak_order=1,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="sigma",
        needs=("gaussian", "decreasing"),
        source=comfy("sample_euler_ancestral_RF"),
    )
    split = IN_FLOW_TIME
