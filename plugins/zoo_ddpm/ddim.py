"""DDIM: from the deterministic step of the probability flow (eta = 0) to DDPM's ancestral step (eta = 1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, expm1, option, sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class DDIM(StepSolver):
    r"""Move along the predicted noise, and replace a part of it by fresh noise.

        c   = eta sigma_s sqrt(1 - e^(-2h)),   h = lam_s - lam_t
        x_s = alpha_s x0 + sqrt(sigma_s^2 - c^2) eps + c z,   z ~ N(0, I)

    c is the standard deviation of q(x_s | x_t, x_0) at eta = 1, where the step is DDPM's; at eta = 0 it is the exact
    solution of the probability flow for constant eps (DPM-Solver-1, Euler in sigma/alpha).
    """

    card = SolverCard(
        name="ddim",
        title="DDIM",
        family="ddpm",
        order=1,
        weak_order=1,
        equivalents=("euler", "dpm-solver-1"),
        source=Source(
            authors="Song, Meng & Ermon 2021",
            title="Denoising Diffusion Implicit Models",
            arxiv="2010.02502",
            where="eq. (12) and (16)",
        ),
    )
    eta: float = option(0.0, help="noise level: 0 is deterministic, 1 is DDPM", low=0.0, high=1.0)

    def facts(self) -> SolverCard:
        """Stochastic, and without an order on the flow, as soon as eta > 0."""
        if self.eta == 0:
            return self.card
        return replace(self.card, stochastic=True, order=None, strong_order=1, equivalents=())

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One DDIM step."""
        t, s = interval.t, interval.s
        now = model(x, t)
        if self.eta == 0:
            return Step(now.mix(s.alpha, s.sigma))
        c = self.eta * s.sigma * sqrt(-expm1(-2 * (s.lam - t.lam)))
        return Step(combine((1.0, now.mix(s.alpha, sqrt(s.sigma**2 - c**2))), (c, noise.between(t, s))))
