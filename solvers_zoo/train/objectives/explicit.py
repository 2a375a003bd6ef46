"""Explicit score matching."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.registry.card import ObjectiveCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.objectives.base import Objective, flat_weight, noised, summed
from solvers_zoo.train.objectives.weightings import WEIGHTINGS, weight_of

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


class Integrated(Objective):
    """Score matching by integration by parts; a subclass says how its bracket is taken."""

    weighting: str = option("constant", help="weight of the score's error over time", choices=WEIGHTINGS)

    @abstractmethod
    def bracket(self, score: Tensor, x: Tensor, draws: Draws, graph: bool) -> Tensor:
        """The trace of the score's gradient at ``x`` plus 1/2 |score|^2, (B,); ``graph`` says whether it is differentiated again."""

    def loss_at(self, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, **condition: object) -> Tensor:
        """The loss of every sample, from one draw of noise each."""
        import torch

        graph = torch.is_grad_enabled()
        with torch.enable_grad():
            x = noised(x0, point, draws.fresh()).requires_grad_()
            loss = self.bracket(model(x, point, **condition).score, x, draws, graph)
        weight = weight_of(self.weighting, "score", point, x0[0].numel())
        return flat_weight(weight, loss) * (loss if graph else loss.detach())


class ExplicitScoreMatching(Integrated):
    r"""Score matching by integration by parts, with the exact trace: one derivative a coordinate, so for few dimensions.

        L = E w(t) [tr grad s(x_t) + 1/2 |s(x_t)|^2] = 1/2 E w |s - grad log p_t|^2 - 1/2 E w |grad log p_t|^2

    Its minimum for N(m, v I) is -d / (2 v). Denoising score matching with the same weight on the score is larger by
    1/2 E w |grad log p(x_t | x_0)|^2 = d w / (2 sigma^2), whatever the model.
    """

    card = ObjectiveCard(
        name="esm",
        title="Explicit score matching, exact trace",
        aliases=("explicit",),
        formula="E w(t) [tr grad s(x_t, t) + 1/2 |s(x_t, t)|^2]",
        source=Source(
            authors="Hyvärinen 2005",
            title="Estimation of Non-Normalized Statistical Models by Score Matching",
            link="https://jmlr.org/papers/v6/hyvarinen05a.html",
            where="Theorem 1",
        ),
    )
    most: ClassVar[int] = 64

    def bracket(self, score: Tensor, x: Tensor, draws: Draws, graph: bool) -> Tensor:
        """The bracket with the exact trace.

        Raises:
            IncompatibleError: more than 64 coordinates.

        """
        import torch

        dim = x[0].numel()
        if dim > self.most:
            raise IncompatibleError(f"esm takes a derivative a coordinate, for {self.most} at most; {dim} are for ssm.")
        trace = torch.zeros_like(score.flatten(1)[:, 0])
        for i, row in enumerate(score.flatten(1).unbind(1)):
            (slope,) = torch.autograd.grad(row.sum(), x, create_graph=graph, retain_graph=True)
            trace = trace + slope.flatten(1)[:, i]
        return trace + 0.5 * summed(score.square())
