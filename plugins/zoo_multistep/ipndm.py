"""iPNDM: Adams-Bashforth with the weights of equal steps, whatever the steps are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard
from zoo_multistep.points import ZHANG_CHEN, points_card

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar

#: Adams-Bashforth weights of equal steps, newest first; Hairer, Norsett & Wanner 1993, Section III.1, eq. (1.5').
ADAMS_BASHFORTH = {
    2: (3 / 2, -1 / 2),
    3: (23 / 12, -16 / 12, 5 / 12),
    4: (55 / 24, -59 / 24, 37 / 24, -9 / 24),
}


class IPNDM(Multistep):
    r"""Extrapolate the noise by the Adams-Bashforth weights b_j of equal steps, and take DDIM's step along it.

        x_s = alpha_s/alpha_t x_t + alpha_s (rho_s - rho_t) sum_j b_j eps_j

    The first steps use the weights of lower order. On a grid that is a smooth map of i/N the weights are wrong by O(h), which
    leaves order 2 for any number of points; on other grids order 1. At few steps this damped extrapolation is among the
    best there are.
    """

    form = "eps"

    def reaches(self, node: GaussianPoint) -> bool:
        """Every point: the clock is finite where alpha = 0."""
        return True

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """alpha_s (rho_s - rho_t) b_j."""
        h = s.alpha * (s.rho - nodes[0].rho)
        return [h * b for b in ADAMS_BASHFORTH[len(nodes)][1:]]


def _card(points: int, aliases: tuple[str, ...] = ()) -> SolverCard:
    where = "Appendix, iPNDM: the linear multistep part of PNDM (2202.09778) without its Runge-Kutta start"
    source = replace(ZHANG_CHEN, where=where)
    return points_card(f"ipndm-{points}", f"iPNDM, {points} points", points, source, aliases, rough_order=1)


class IPNDM2(IPNDM):
    """The line through the last two."""

    card = _card(2)


class IPNDM3(IPNDM):
    """The parabola through the last three."""

    card = _card(3)


class IPNDM4(IPNDM):
    """Four points: the usual choice."""

    card = _card(4, ("ipndm",))
