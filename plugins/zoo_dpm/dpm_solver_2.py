"""DPM-Solver-2: the single-step exponential integrator of order 2 on the noise prediction."""

from __future__ import annotations

from solvers_zoo import SolverCard, Source
from zoo_dpm.single_step import TwoStages


class DPMSolver2(TwoStages):
    r"""Correct the first-order step by the slope of eps in lam, taken at one point between.

        u   = alpha_1/alpha_t x_t - sigma_1 (e^(r1 h) - 1) eps_t          at lam_1 = lam_t + r1 h,  h = lam_s - lam_t
        x_s = alpha_s/alpha_t x_t - sigma_s (e^h - 1) eps_t - w (eps_u - eps_t),    w = sigma_s (e^h - 1) / (2 r1)

    Both first terms are DPM-Solver-1's step, whose distance is the error that ``error`` estimates.
    """

    card = SolverCard(
        name="dpm-solver-2",
        title="DPM-Solver-2",
        aliases=("dpm2",),
        family="dpm",
        order=2,
        evaluations=2,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="Algorithm 1, with r1 left open",
        ),
    )
    form = "eps"
