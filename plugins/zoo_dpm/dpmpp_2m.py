"""DPM-Solver++(2M): the two-step exponential integrator on the data prediction; order 2 for one evaluation a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo import Past, SolverCard, Source, Step, StepSolver, combine, expm1, remember

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class DPMSolverPP2M(StepSolver):
    r"""Extrapolate the data prediction along the line through its last two values.

        D   = x0 + h / (2 h_prev) (x0 - x0_prev),    h = lam_s - lam_t,  h_prev = lam_t - lam_prev
        x_s = sigma_s/sigma_t x_t - alpha_s (e^-h - 1) D
            = alpha_s x0 + sigma_s eps + w (x0 - x0_prev),    w = -alpha_s (e^-h - 1) h / (2 h_prev)

    The first step has no history and w = 0: DDIM's step. A start where alpha = 0 has h_prev = inf in the second step, so w = 0
    there too. No order is lowered at the end; sigma = 0 is the driver's last denoise, which is what this step becomes there.
    """

    card = SolverCard(
        name="dpmpp-2m",
        title="DPM-Solver++(2M)",
        family="dpm",
        order=2,
        variable="lam",
        memory=1,
        needs=("gaussian", "finite-end"),
        aliases=("dpm-solver-pp-2m",),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
            arxiv="2211.01095",
            where="Algorithm 2",
        ),
    )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, one evaluation."""
        t, s = interval.t, interval.s
        now = model(x, t)
        history = remember(Past(t.t, t.lam, now.x0), memory, keep=1)
        if memory is None:
            return Step(now.mix(s.alpha, s.sigma), history)
        h, h_prev = s.lam - t.lam, t.lam - memory[0].lam
        w = -s.alpha * expm1(-h) * h / (2 * h_prev)
        return Step(combine(*now.terms(s.alpha + w, s.sigma), (-w, memory[0].D)), history)
