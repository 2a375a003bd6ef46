"""Exponential integrators of the reverse SDE: the linear part and the noise exactly, the model's answer frozen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import exp, expm1, sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel

_CHEN = Source(
    authors="Chen et al. 2023",
    title="Sampling is as easy as learning the score: theory for diffusion models with minimal data assumptions",
    arxiv="2209.11215",
    where="Section 2, exponential-integrator discretisation of the reverse process",
)
_LU = Source(
    authors="Lu et al. 2022",
    title="DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
    arxiv="2211.01095",
    where="Section 5, SDE-DPM-Solver-1 and SDE-DPM-Solver++1",
)


class ExponentialSDE(StepSolver):
    r"""The reverse SDE solved exactly over a step for a model output held at its value at t.

    With noise ``level`` l and rho = sigma/alpha, g^2 = alpha^2 d(rho^2)/dt, so dx = [f x - (1 + l^2)/2 g^2 score] dt + l g dW
    has the exact solution

        x_s = (alpha_s/alpha_t) x_t + alpha_s (1 + l^2)/2 int_s^t score alpha d(rho^2) + l alpha_s sqrt(rho_t^2 - rho_s^2) z

    and what is ``frozen`` in the integral makes the method; h = lam_s - lam_t:

        score   x_s = a x_t + (1 + l^2)/2 alpha_s A (rho_t^2 - rho_s^2) score + noise      the one of theory papers
        eps     x_s = a x_t - (1 + l^2) alpha_s (rho_t - rho_s) eps + noise                SDE-DPM-Solver-1
        x0      x_s = alpha_s x0 + sigma_s e^(-l^2 h) eps + sigma_s sqrt(1 - e^(-2 l^2 h)) z     SDE-DPM-Solver++1, DDPM

    (for x0 the linear part holds all of x, so its noise is damped too). A is the mean of alpha over d(rho^2), which is
    2 / (1/alpha_t + 1/alpha_s) exactly where alpha^2 + sigma^2 = 1, and where alpha is constant; on other processes
    that is a quadrature whose error, O(h^3) a step, lies below the method's own.
    """

    card = SolverCard(
        name="exponential-sde",
        title="Exponential integrator of the reverse SDE",
        family="sde",
        weak_order=1,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        needs=("gaussian", "finite-lam", "decreasing"),
        source=_CHEN,
    )
    frozen: str = option("score", help="what is held over a step: score, eps or x0", choices=("score", "eps", "x0"))
    level: float = option(1.0, help="noise level: 0 is the probability flow, 1 the reverse SDE", low=0.0)

    def facts(self) -> SolverCard:
        """By what is frozen, and whether there is noise."""
        card = self.card if self.frozen == "score" else replace(self.card, source=_LU)
        if self.frozen == "x0":
            card = replace(card, needs=("gaussian", "decreasing"))
            if self.level == 1:
                card = replace(card, equivalents=("ddpm", "ddim(eta=1)"))
        if self.level:
            return replace(card, noise_level=self.level)
        return card.noise_free(1, () if self.frozen == "score" else ("ddim", "euler", "dpm-solver-1"))

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step; every variant is one linear form of x0 and eps, and the noise."""
        t, s = interval.t, interval.s
        level2, h = self.level**2, s.lam - t.lam
        if self.frozen == "x0":
            damping = level2 * h if self.level else 0.0  # 0 h is not 0 where h is infinite
            eps, c = s.sigma * exp(-damping), s.sigma * sqrt(-expm1(-2 * damping))
        else:
            carried = s.alpha * t.rho  # a x = alpha_s x0 + carried eps
            spread2 = -(carried**2) * expm1(-2 * h)  # alpha_s^2 (rho_t^2 - rho_s^2)
            # for the score, -eps / sigma_t: alpha_s A (rho_t^2 - rho_s^2) / (2 sigma_t) with the A of above
            pull = carried - s.sigma if self.frozen == "eps" else spread2 / (carried + t.sigma)
            eps, c = carried - (1 + level2) * pull, self.level * sqrt(spread2)
        move = model(x, t).terms(s.alpha, eps)
        return Step(combine(*move, (c, noise.between(t, s))) if self.level else combine(*move))
