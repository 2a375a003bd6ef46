"""Sliced score matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.card import ObjectiveCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.objectives.base import Objective, flat_weight, noised, summed
from solvers_zoo.train.objectives.weightings import WEIGHTINGS, weight_of

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


class SlicedScoreMatching(Objective):
    r"""Explicit score matching whose trace is estimated along random directions v with E v v^T = I.

        L = E w(t) [v^T grad s(x_t) v + 1/2 |s(x_t)|^2]

    Its mean is that of `ExplicitScoreMatching`, at one derivative a direction. Rademacher directions add no variance where the
    Jacobian is diagonal. Without ``reduced`` the second term is 1/2 (v^T s)^2, which has the same mean and more variance.
    """

    card = ObjectiveCard(
        name="ssm",
        title="Sliced score matching",
        aliases=("sliced",),
        formula="E w(t) [v^T grad s(x_t, t) v + 1/2 |s(x_t, t)|^2]",
        source=Source(
            authors="Song et al. 2019",
            title="Sliced Score Matching: A Scalable Approach to Density and Score Estimation",
            arxiv="1905.07088",
            where="SSM and SSM-VR",
        ),
    )
    weighting: str = option("constant", help="weight of the score's error over time", choices=WEIGHTINGS)
    directions: str = option("rademacher", help="law of the directions", choices=("rademacher", "gaussian"))
    slices: int = option(1, help="directions a sample", low=1)
    reduced: bool = option(True, help="take |s|^2 itself instead of its estimate along the directions")

    def loss_at(self, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, **condition: object) -> Tensor:
        """The loss of every sample, from one draw of noise each."""
        import torch

        graph = torch.is_grad_enabled()
        with torch.enable_grad():
            x = noised(x0, point, draws.fresh()).requires_grad_()
            score = model(x, point, **condition).score
            total = torch.zeros_like(score.flatten(1)[:, 0])
            for _ in range(self.slices):
                v = draws.fresh()
                v = torch.where(v < 0, -1.0, 1.0).to(v.dtype) if self.directions == "rademacher" else v
                along = summed(v * score)
                (slope,) = torch.autograd.grad(along.sum(), x, create_graph=graph, retain_graph=True)
                total = total + summed(v * slope) + (0 if self.reduced else 0.5 * along.square())
        loss = total / self.slices + (0.5 * summed(score.square()) if self.reduced else 0)
        weight = weight_of(self.weighting, "score", point, x0[0].numel()) if self.weighting != "constant" else 1.0
        return flat_weight(weight, loss) * (loss if graph else loss.detach())
