"""Gradient estimation: DDIM along a noise prediction from which part of the last one has been taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import Past, SolverCard, Source, Step, StepSolver, combine, option, remember

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class GradientEstimation(StepSolver):
    r"""Extrapolate the noise prediction, which is the gradient of the distance to the data, from the last one.

        eps_bar = gamma eps_t + (1 - gamma) eps_prev
        x_s     = alpha_s x_t / alpha_t + (sigma_s - alpha_s sigma_t / alpha_t) eps_bar

    so with x0 the prediction at x_t, x_s = alpha_s x0 + sigma_s eps_t + c (eps_t - eps_prev) with
    c = (gamma - 1) (sigma_s - alpha_s sigma_t / alpha_t). The first step is DDIM's, and gamma = 1 is DDIM throughout.
    The paper recommends gamma = 2, which damps the error of the denoiser and stays of first order; gamma = 3/2 is the
    two-step Adams-Bashforth method on uniform steps of sigma/alpha.
    """

    card = SolverCard(
        name="gradient-estimation",
        title="Gradient estimation",
        family="gradient-estimation",
        order=1,
        weak_order=1,
        evaluations=1,
        memory=1,
        source=Source(
            authors="Permenter & Yuan 2024",
            title="Interpreting and Improving Diffusion Models from an Optimization Perspective",
            arxiv="2306.04848",
            where="Section 5, gradient estimation with gamma = 2",
        ),
    )
    gamma: float = option(2.0, help="weight of the newest prediction; 1 is DDIM", low=1.0, high=3.0)

    def facts(self) -> SolverCard:
        """At gamma = 1 nothing of the past is used."""
        return self.card if self.gamma > 1 else replace(self.card, memory=0, equivalents=("ddim",))

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step; memory is the last noise prediction."""
        t, s = interval.t, interval.s
        now = model(x, t)
        ddim = now.mix(s.alpha, s.sigma)
        if self.gamma == 1:
            return Step(ddim)
        history = remember(Past(t.t, t.lam, now.eps), memory, keep=1)
        if memory is None:
            return Step(ddim, history)
        c = (self.gamma - 1) * (s.sigma - s.alpha * t.sigma / t.alpha)
        return Step(combine((1.0, ddim), (c, now.eps), (-c, memory[0].D)), history)
