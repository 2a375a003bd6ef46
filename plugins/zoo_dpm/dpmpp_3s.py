"""DPM-Solver++(3S): the single-step exponential integrator of order 3 on the data prediction."""

from __future__ import annotations

from solvers_zoo import SolverCard, Source
from zoo_dpm.single_step import ThreeStages


class DPMSolverPP3S(ThreeStages):
    r"""DPM-Solver-3 on the data prediction: two intermediate points, at lam_i = lam_t + r_i h with h = lam_s - lam_t.

        u1  = sigma_1/sigma_t x_t - alpha_1 (e^(-r1 h) - 1) x0_t
        u2  = sigma_2/sigma_t x_t - alpha_2 (e^(-r2 h) - 1) x0_t + w1 (x0_u1 - x0_t),  w1 = alpha_2 r2^2 h phi_2(-r2 h) / r1
        x_s = sigma_s/sigma_t x_t - alpha_s (e^-h - 1) x0_t      + w2 (x0_u2 - x0_t),  w2 = alpha_s h phi_2(-h) / r2

    The first two terms of each line are DDIM's step. The order is 3 at r2 = 2/3, whatever r1, and 2 at any other r2. The paper
    leaves the single-step method of order 3 to the reader; its code has this one. ``error`` is the distance to
    DPM-Solver++(2S) with u1.
    """

    card = SolverCard(
        name="dpmpp-3s",
        title="DPM-Solver++(3S)",
        family="dpm",
        order=3,
        evaluations=3,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        aliases=("dpm-solver-pp-3s",),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
            arxiv="2211.01095",
            where="its code (LuChengTHU/dpm-solver), singlestep_dpm_solver_third_update; the name: 3S",
        ),
    )
    form = "x0"
