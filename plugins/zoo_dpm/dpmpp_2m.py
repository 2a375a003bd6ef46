"""DPM-Solver++(2M): the two-step exponential integrator on the data prediction; order 2 for one evaluation a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard, Source
from solvers_zoo.numerics import expm1

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class DPMSolverPP2M(Multistep):
    r"""Extrapolate the data prediction along the line through its last two values.

        D   = x0 + h / (2 h_prev) (x0 - x0_prev),    h = lam_s - lam_t,  h_prev = lam_t - lam_prev
        x_s = sigma_s/sigma_t x_t - alpha_s (e^-h - 1) D

    The first step has no history: it is DDIM's. sigma = 0 is the driver's last denoise, which is what this step becomes there.
    """

    form = "x0"
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

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """The weight of x0_prev in the step along D."""
        t, previous = nodes
        h, h_prev = s.lam - t.lam, t.lam - previous.lam
        return (s.alpha * expm1(-h) * h / (2 * h_prev),)
