"""The exact flow of any analytic model, by the best way there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.exact.flows import gaussian_flow, reference_flow
from solvers_zoo.exact.transport import transport
from solvers_zoo.score_models.gaussian import Gaussian

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


def exact_flow(
    model: ScoreModel, x: Tensor, point_from: GaussianPoint, point_to: GaussianPoint, rtol: float = 1e-13
) -> Tensor:
    """The probability flow of a law in closed form, either way in time.

    In closed form for a Gaussian, by monotone transport in one dimension, else by integrating the closed-form score.

    Args:
        model: an analytic model, or a wrapper that changes nothing of one.
        x: states at ``point_from``, (B, *shape).
        point_from: a point of its process, with float fields.
        point_to: another.
        rtol: tolerance where it is integrated, relative and in units of sqrt(alpha^2 + sigma^2).

    Returns:
        The states at ``point_to``, of x's shape and dtype.

    Raises:
        IncompatibleError: a model whose law is not known.

    """
    law = model.analytic
    if law is None:
        raise IncompatibleError(
            "An exact flow needs a model whose law is known in closed form, such as a Gaussian, a mixture or the kernel mixture of "
            "a data set, and that no wrapper changes."
        )
    if isinstance(law, Gaussian):
        return gaussian_flow(law, x, point_from, point_to)
    if x[0].numel() == 1:
        return transport(law, x, point_from, point_to)
    return reference_flow(law, x, point_from, point_to, rtol=rtol, atol=rtol)
