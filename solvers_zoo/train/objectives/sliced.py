"""Sliced score matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.card import ObjectiveCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.objectives.base import summed
from solvers_zoo.train.objectives.explicit import Integrated

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws


class SlicedScoreMatching(Integrated):
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
    directions: str = option("rademacher", help="law of the directions", choices=("rademacher", "gaussian"))
    slices: int = option(1, help="directions a sample", low=1)
    reduced: bool = option(True, help="take |s|^2 itself instead of its estimate along the directions")

    def bracket(self, score: Tensor, x: Tensor, draws: Draws, graph: bool) -> Tensor:
        """The bracket with the trace, or all of it, along the directions."""
        import torch

        total = torch.zeros_like(score.flatten(1)[:, 0])
        for _ in range(self.slices):
            v = draws.fresh()
            v = torch.where(v < 0, -1.0, 1.0).to(v.dtype) if self.directions == "rademacher" else v
            along = summed(v * score)
            (slope,) = torch.autograd.grad(along.sum(), x, create_graph=graph, retain_graph=True)
            total = total + summed(v * slope) + (0 if self.reduced else 0.5 * along.square())
        return total / self.slices + (0.5 * summed(score.square()) if self.reduced else 0)
