"""The reverse-diffusion predictor: the forward process's own steps, reversed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine
from solvers_zoo.numerics import exp, expm1, sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class ReverseDiffusion(StepSolver):
    r"""Reverse the discretisation x_t = x_s + F(x_s) + G z of the forward process, with F and G kept.

        x_s = x_t - F(x_t) + G^2 score(x_t, t) + G z

    The forward step taken here is the process's exact transition from s to t,

        F(x) = (b - 1) x,   G^2 = sigma_t^2 - b^2 sigma_s^2 = sigma_t^2 (1 - e^-2h),   b = alpha_t / alpha_s,   h = lam_s - lam_t,

    which is the paper's on both of its processes: b = 1 and G^2 = sigma_t^2 - sigma_s^2 for SMLD (VE), b = sqrt(1 - beta) and
    G^2 = beta for DDPM (VP). Where alpha_t = 0, b = 0 and G = sigma_t.
    """

    card = SolverCard(
        name="reverse-diffusion",
        title="Reverse diffusion",
        family="sde",
        weak_order=1,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        needs=("gaussian", "decreasing"),
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="Appendix E, eq. (46); Algorithms 2 and 3",
        ),
    )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step; F and the score are one linear form of x0 and eps."""
        t, s = interval.t, interval.s
        h = s.lam - t.lam
        b, G = t.alpha / s.alpha, t.sigma * sqrt(-expm1(-2 * h))
        # (2 - b) x + G^2 score = (2 - b) (alpha x0 + sigma eps) - sigma (1 - e^-2h) eps
        move = model(x, t).terms((2 - b) * t.alpha, t.sigma * (1 - b + exp(-2 * h)))
        return Step(combine(*move, (G, noise.between(t, s))))
