"""DPM-Solver-1: the exponential Euler step on the noise prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class DPMSolver1(StepSolver):
    r"""Solve the flow in lam exactly for a noise prediction that stays what it is at t.

        x_s = alpha_s/alpha_t x_t - sigma_s (e^h - 1) eps = alpha_s x0 + sigma_s eps,    h = lam_s - lam_t

    The second form is the first with x_t = alpha_t x0 + sigma_t eps put in; it holds where alpha_t = 0 too. It is DDIM at
    eta = 0, Euler in sigma/alpha, and DPM-Solver++ of order 1.
    """

    card = SolverCard(
        name="dpm-solver-1",
        title="DPM-Solver-1",
        family="dpm",
        order=1,
        variable="lam",
        equivalents=("ddim", "euler"),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="eq. (3.7)",
        ),
    )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, one evaluation."""
        return Step(model(x, interval.t).mix(interval.s.alpha, interval.s.sigma))
