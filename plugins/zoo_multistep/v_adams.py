"""Adams-Bashforth in rectified coordinates: straight lines from noise to data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard, Source
from solvers_zoo.numerics.interpolation import adams_moments, weights
from zoo_multistep.points import points_card

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import GaussianPoint, GaussianSDE, Prediction
    from solvers_zoo.numerics.scalar import Scalar


class VelocityAdams(Multistep):
    r"""Scale any process to a rectified flow, y = x/(alpha + sigma) at clock u = sigma/(alpha + sigma), and integrate its velocity.

        y = (1 - u) x0 + u eps,    dy/du = eps - x0,    x_s = (alpha_s + sigma_s) [y_t + int_u_t^u_s P(u) du]

    with P through the last velocities. Nothing is infinite where alpha = 0, so it starts there at full order.
    """

    form = "velocity"

    def axes(self, point: GaussianPoint) -> tuple[Scalar, Scalar]:
        """eps - x0."""
        return -1.0, 1.0

    def told(self, now: Prediction) -> Tensor:
        """eps - x0."""
        return now.mix(-1.0, 1.0)

    def reaches(self, node: GaussianPoint) -> bool:
        """Every point: the clock is finite where alpha = 0."""
        return True

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """(alpha_s + sigma_s) int l_j du."""
        u = [node.sigma / (node.alpha + node.sigma) for node in nodes]
        scale = s.alpha + s.sigma
        h = s.sigma / scale - u[0]
        return [scale * h * w for w in weights([(u_j - u[0]) / h for u_j in u], adams_moments(len(u)))[1:]]


_SOURCE = Source(
    authors="Rozet 2024",
    title="azula: Diffusion models in PyTorch",
    link="https://github.com/probabilists/azula",
    where="class vABSampler in azula/sample.py (README: samplers)",
)


def _card(points: int, aliases: tuple[str, ...] = ()) -> SolverCard:
    title = f"Adams-Bashforth in rectified coordinates, {points} points"
    clock, needs = "sigma/(alpha + sigma)", ("gaussian",)
    return points_card(f"v-adams-{points}", title, points, _SOURCE, aliases, variable=clock, needs=needs)


class VAdams2(VelocityAdams):
    """The line through the last two."""

    card = _card(2)


class VAdams3(VelocityAdams):
    """The parabola through the last three."""

    card = _card(3, ("v-ab",))


class VAdams4(VelocityAdams):
    """The cubic through the last four."""

    card = _card(4)
