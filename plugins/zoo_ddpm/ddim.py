"""DDIM: from the deterministic step of the probability flow (eta = 0) to DDPM's ancestral step (eta = 1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import exp, expm1, sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class DDIM(StepSolver):
    r"""Move along the predicted noise, and replace a part of it by fresh noise.

        p   = eta^2 (1 - e^(-2h)),   h = lam_s - lam_t
        x_s = alpha_s x0 + sigma_s sqrt(1 - p) eps + sigma_s sqrt(p) z,   z ~ N(0, I)

    p is the fraction of the new variance that is fresh. At eta = 1, sigma_s sqrt(p) is the standard deviation of
    q(x_s | x_t, x_0) and the step is DDPM's; at eta = 0 the step is the exact solution of the probability flow for
    constant eps (DPM-Solver-1, Euler in sigma/alpha). Where alpha_t = 0, h is infinite and p = eta^2.
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
        """Stochastic, from noise to data only and without an order on the flow, as soon as eta > 0."""
        if self.eta == 0:
            return self.card
        same = ("ddpm",) if self.eta == 1 else ()
        needs = (*self.card.needs, "decreasing")
        return replace(
            self.card, stochastic=True, noise_level=self.eta, order=None, strong_order=1, needs=needs, equivalents=same
        )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One DDIM step."""
        t, s = interval.t, interval.s
        now = model(x, t)
        if self.eta == 0:
            return Step(now.mix(s.alpha, s.sigma))
        h, eta2 = s.lam - t.lam, self.eta**2
        fresh = s.sigma * sqrt(-eta2 * expm1(-2 * h))
        kept = s.sigma * sqrt(1 - eta2 + eta2 * exp(-2 * h))  # 1 - p without cancellation for large h
        return Step(combine(*now.terms(s.alpha, kept), (fresh, noise.between(t, s))))
