"""tAB-DEIS: the noise as a polynomial of time, integrated exactly against the schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import Multistep, SolverCard
from solvers_zoo.numerics.interpolation import gauss_moments, weights
from zoo_multistep.points import ZHANG_CHEN, points_card

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class TimeAdams(Multistep):
    r"""Fit a polynomial of t to the last predictions of the noise; what multiplies it is known for every t.

        x_s/alpha_s = x_t/alpha_t + int_t^s P(tau) (d rho/d tau) d tau,    P through (t_j, eps_j)

    The integrals are made once a grid, by Gauss-Legendre quadrature with 8 nodes a step. Where sigma/alpha is t itself (EDM) this
    is LMS.
    """

    form = "eps"

    def reaches(self, node: GaussianPoint) -> bool:
        """Every point: the clock is finite where alpha = 0."""
        return True

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """alpha_s int l_j d rho."""
        t = nodes[0].t
        h = s.t - t

        def slope(v: float) -> Any:
            point = sde.at(t + v * h)
            return h * (point.dsigma - point.rho * point.dalpha) / point.alpha

        moments = gauss_moments(len(nodes), slope)
        return [s.alpha * w for w in weights([(node.t - t) / h for node in nodes], moments)[1:]]


def _card(points: int, aliases: tuple[str, ...] = ()) -> SolverCard:
    name, source = f"{points - 1}", replace(ZHANG_CHEN, where="eq. (14) and (15)")
    return points_card(f"deis-tab{name}", f"tAB{name}-DEIS", points, source, aliases, variable="t")


class DEIS1(TimeAdams):
    """The line through the last two."""

    card = _card(2)


class DEIS2(TimeAdams):
    """The parabola through the last three."""

    card = _card(3)


class DEIS3(TimeAdams):
    """The cubic through the last four: the paper's best."""

    card = _card(4, ("deis",))
