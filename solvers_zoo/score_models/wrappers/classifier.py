"""Classifier guidance: a model pushed towards what a classifier, or any log-probability, prefers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from solvers_zoo.errors import ModelError
from solvers_zoo.numerics.combine import combine
from solvers_zoo.processes.prediction import FORMS, tweedie
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint


class ClassifierGuidance(ModelWrapper):
    r"""``model``, with the gradient of a log-probability of the noisy state added to its score.

        score' = score + scale grad_x log p_t(c | x)

    Dhariwal & Nichol 2021 (2105.05233), Algorithms 1 and 2; Song et al. 2021 (2011.13456), eq. (14), is the case of
    scale 1, which samples p(x | c) exactly where both are exact. The answer is in the model's own parametrisation.

    Args:
        model: the model.
        log_probability: called as ``log_probability(x, point)``; gives (B,), differentiable. ``point.t`` is the time.
        scale: strength.
        cost: evaluations that its value and gradient count as.

    Raises:
        ModelError: (on a call) log_probability gave something that is not (B,), or has no gradient.

    """

    def __init__(
        self,
        model: ScoreModel,
        log_probability: Callable[[Tensor, GaussianPoint], Tensor],
        scale: float = 1.0,
        cost: int = 1,
    ) -> None:
        super().__init__(model)
        self.log_probability, self.scale = log_probability, float(scale)
        self.cost = model.cost + cost

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The model's output, moved."""
        out = self.model(x, point, **condition).out
        recording = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = x if recording and x.requires_grad else x.detach().requires_grad_()
            value = self.log_probability(leaf, point)
            if value.shape != x.shape[:1] or not value.requires_grad:
                raise ModelError(
                    f"log_probability gave shape {tuple(value.shape)} for {len(x)} samples, "
                    f"{'with' if value.requires_grad else 'without'} a gradient; it must give one differentiable number each."
                )
            (gradient,) = torch.autograd.grad(value.sum(), leaf, create_graph=recording)
        # eps falls by sigma times the gradient, and x0 rises by sigma^2/alpha times it
        p, q = FORMS[self.kind](point)
        move = p * tweedie(point) - q * point.sigma
        return combine((1.0, out), (self.scale * move, gradient))
