"""DPM-Solver-3: the single-step exponential integrator of order 3 on the noise prediction."""

from __future__ import annotations

from solvers_zoo import SolverCard, Source
from zoo_dpm.single_step import ThreeStages


class DPMSolver3(ThreeStages):
    r"""Two intermediate points, at lam_i = lam_t + r_i h with h = lam_s - lam_t.

        u1  = alpha_1/alpha_t x_t - sigma_1 (e^(r1 h) - 1) eps_t
        u2  = alpha_2/alpha_t x_t - sigma_2 (e^(r2 h) - 1) eps_t - w1 (eps_u1 - eps_t),  w1 = sigma_2 r2^2 h phi_2(r2 h) / r1
        x_s = alpha_s/alpha_t x_t - sigma_s (e^h - 1) eps_t      - w2 (eps_u2 - eps_t),  w2 = sigma_s h phi_2(h) / r2

    The paper writes (e^z - 1)/z - 1 for z phi_2(z). The first two terms of each line are DPM-Solver-1's step. The order is 3
    at r2 = 2/3, whatever r1, and 2 at any other r2. ``error`` is the distance to DPM-Solver-2's step with u1.
    """

    card = SolverCard(
        name="dpm-solver-3",
        title="DPM-Solver-3",
        family="dpm",
        order=3,
        evaluations=3,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="Algorithm 2, with r1 and r2 left open",
        ),
    )
    form = "eps"
