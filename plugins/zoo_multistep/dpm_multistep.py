"""The multistep solvers of DPM-Solver as published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard, Source
from solvers_zoo.numerics import expm1

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class Differences(Multistep):
    r"""Divided differences of the last predictions, with the weights of the paper.

        r_j  = (lam_(j-1) - lam_j)/h,    d_1 = (D_0 - D_1)/r_1,    d_2 = (D_1 - D_2)/r_2,    h = lam_s - lam_t
        2M   correction  E_1 d_1 / 2
        3M   correction  E_2 [d_1 + r_1/(r_1 + r_2) (d_1 - d_2)] + E_3 (d_1 - d_2)/(r_1 + r_2)

    with, for x0, E_1 = alpha_s (1 - e^-h),  E_2 = alpha_s (1 - (1 - e^-h)/h),  E_3 = alpha_s (1/2 - (1 - (1 - e^-h)/h)/h), and for
    eps the same with -sigma_s for alpha_s and -h for h. The exact integral of the parabola has 2 E_3.
    """

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """The corrections as weights of D_1 - D_0 and D_2 - D_0."""
        h = s.lam - nodes[0].lam
        scale, z = (s.alpha, -h) if self.form == "x0" else (-s.sigma, h)
        first = scale * expm1(z) / z * h  # of the size of h
        r_1 = (nodes[0].lam - nodes[1].lam) / h
        if len(nodes) == 2:
            return (-first / (2 * r_1),)
        r_2 = (nodes[1].lam - nodes[2].lam) / h
        second = scale * h * (expm1(z) / z - 1) / z
        third = scale * h * ((expm1(z) / z - 1) / z - 0.5) / z
        slope, bend = second, (second * r_1 + third) / (r_1 + r_2)  # of d_1, and of d_1 - d_2
        return (-(slope + bend) / r_1 - bend / r_2, bend / r_2)


def _card(name: str, title: str, memory: int, where: str) -> SolverCard:
    return SolverCard(
        name=name,
        title=title,
        family="dpm",
        order=2,
        variable="lam",
        memory=memory,
        needs=("gaussian", "finite-end"),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
            arxiv="2211.01095",
            where=where,
        ),
    )


class DPMSolver2M(Differences):
    """The line through the last two noise predictions."""

    form = "eps"
    card = _card("dpm-solver-2m", "DPM-Solver(2M)", 1, "the multistep solver of order 2 on the noise prediction")


class DPMSolver3MPublished(Differences):
    """The parabola through the last three noise predictions, its second difference at half its weight: order 2."""

    form = "eps"
    card = _card(
        "dpm-solver-3m-published",
        "DPM-Solver(3M) as published",
        2,
        "the multistep solver of order 3 in the authors' code",
    )


class DPMSolverPP3MPublished(Differences):
    """The parabola through the last three data predictions, its second difference at half its weight: order 2.

    It is what the authors' code, k-diffusion and diffusers run under the name DPM-Solver++(3M). Below some 20 steps it is as good
    as the right one, ``dpmpp-3m``, or better.
    """

    form = "x0"
    card = _card(
        "dpmpp-3m-published",
        "DPM-Solver++(3M) as published",
        2,
        "the multistep solver of order 3 in the authors' code",
    )
