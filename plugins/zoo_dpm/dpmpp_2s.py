"""DPM-Solver++(2S): the single-step exponential integrator of order 2 on the data prediction."""

from __future__ import annotations

from solvers_zoo import SolverCard, Source
from zoo_dpm.single_step import TwoStages


class DPMSolverPP2S(TwoStages):
    r"""Correct the first-order step by the slope of x0 in lam, taken at one point between.

        u   = sigma_1/sigma_t x_t - alpha_1 (e^(-r1 h) - 1) x0_t          at lam_1 = lam_t + r1 h,  h = lam_s - lam_t
        x_s = sigma_s/sigma_t x_t - alpha_s (e^-h - 1) x0_t + w (x0_u - x0_t),     w = alpha_s (1 - e^-h) / (2 r1)

    Both first terms are the first-order step, DDIM's, whose distance is the error that ``error`` estimates.
    """

    card = SolverCard(
        name="dpmpp-2s",
        title="DPM-Solver++(2S)",
        family="dpm",
        order=2,
        evaluations=2,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        aliases=("dpm-solver-pp-2s",),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
            arxiv="2211.01095",
            where="Algorithm 1",
        ),
    )
    form = "x0"
