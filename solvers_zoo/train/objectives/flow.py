"""Flow matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.card import ObjectiveCard, Source
from solvers_zoo.train.objectives.base import Objective, squared_error

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


class FlowMatching(Objective):
    """The network learns the velocity of the path from data to noise, on any Gaussian process.

        L = 1/2 E |u(x_t, t) - (alpha' x0 + sigma' eps)|^2

    On the rectified flow the velocity is eps - x0. It is denoising score matching with the error taken in the flow; at the exact
    velocity what is left is half the variance of the path's velocity given x_t.
    """

    card = ObjectiveCard(
        name="flow-matching",
        title="Conditional flow matching",
        aliases=("cfm",),
        formula="1/2 E |u(x_t, t) - (alpha' x_0 + sigma' eps)|^2",
        source=Source(
            authors="Lipman et al. 2023",
            title="Flow Matching for Generative Modeling",
            arxiv="2210.02747",
            where="Theorem 2",
        ),
    )

    def loss_at(self, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, **condition: object) -> Tensor:
        """The loss of every sample, from one draw of noise each."""
        return 0.5 * squared_error("flow", model, x0, point, draws, condition)
