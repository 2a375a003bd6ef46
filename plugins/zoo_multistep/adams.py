"""Adams-Bashforth on the probability flow in sigma/alpha, with the weights of the steps that are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard
from solvers_zoo.numerics.interpolation import adams_moments, weights
from zoo_multistep.points import ZHANG_CHEN, points_card

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class Adams(Multistep):
    r"""Integrate the polynomial through the last predictions of the noise.

        x_s/alpha_s = x_t/alpha_t + int_(rho_t)^(rho_s) P(rho) d rho,    rho = sigma/alpha,  P through (rho_j, eps_j)

    Katherine Crowson's linear multistep method (LMS) in k-diffusion, there with numerical quadrature; the rho-AB method of DEIS;
    and what iPNDM_v of diff-sampler means to be. The weights are those of variable steps, so the order survives any grid.
    """

    form = "eps"

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """alpha_s int l_j d rho."""
        rho = nodes[0].rho
        h = s.rho - rho
        moments = adams_moments(len(nodes))
        return [s.alpha * h * w for w in weights([(node.rho - rho) / h for node in nodes], moments)[1:]]


def _card(points: int, aliases: tuple[str, ...]) -> SolverCard:
    source = replace(ZHANG_CHEN, where="Section 3.4, rho-AB-DEIS; sample_lms of k-diffusion")
    names = (*aliases, f"deis-rho-ab{points - 1}")
    return points_card(f"lms-{points}", f"Linear multistep, {points} points", points, source, names)


class LMS2(Adams):
    """The line through the last two."""

    card = _card(2, ("ipndm-v-2",))


class LMS3(Adams):
    """The parabola through the last three."""

    card = _card(3, ("ipndm-v-3",))


class LMS4(Adams):
    """The cubic through the last four: k-diffusion's default."""

    card = _card(4, ("lms", "ipndm-v-4", "ipndm-v"))
