"""DMSE: DDPM's mean without its noise, a denoiser rather than a sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver
from solvers_zoo.numerics import exp

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class DMSE(StepSolver):
    r"""The mean of q(x_s | x_t, x_0) with the prediction in the place of x_0.

        x_s = alpha_s x0 + e^-h sigma_s eps,    h = lam_s - lam_t

    That is E[X_s | x_t] exactly, in one step from any law, and in any number of steps on a Gaussian: with small steps it goes
    along dx = (f x - g^2 score) dt, twice the slope of the flow. Started from a noisy observation it denoises it; started from
    noise it gives no samples.
    """

    card = SolverCard(
        name="dmse",
        title="DMSE, DDPM's mean",
        family="ancestral",
        bias="a denoiser: it ends at an estimate of E[X_0 | x_t], so the variance is too small",
        needs=("gaussian", "decreasing"),
        source=Source(
            authors="Fesl et al. 2025",
            title="On the Asymptotic Mean Square Error Optimality of Diffusion Models",
            arxiv="2403.02957",
            where="the reverse process without re-sampling; eq. (12) for the step at which to begin",
        ),
    )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, one evaluation."""
        t, s = interval.t, interval.s
        return Step(model(x, t).mix(s.alpha, exp(t.lam - s.lam) * s.sigma))
