"""A model with an artificial, known error of its score."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.errors import DomainError, OptionError
from solvers_zoo.processes.prediction import FORMS
from solvers_zoo.score_models.base import ModelWrapper

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.analytic import AnalyticModel

#: Shape of the error at state x, given the data's mean m; both (B, D).
ERRORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "constant": lambda x, m: torch.ones_like(x),
    "linear": lambda x, m: x - m,
    "sinusoidal": lambda x, m: x.sin() * (x - m),
}


class ScoreError(ModelWrapper):
    r"""The model's score plus delta e(x) / sqrt(d): Huang et al. 2024 (2404.09730), numerical study.

        constant     e = 1
        linear       e = x - m              m is the mean of the data
        sinusoidal   e = sin(x) (x - m)     entry by entry

    d is the number of coordinates of a sample. (The lecture's slide prints 1/d; the authors' code has 1/sqrt(d), which
    keeps the size of the error the same in every dimension.) In terms of x0 the error is sigma^2 / alpha times that of
    the score, so it does not exist where alpha = 0.

    Args:
        model: a model that knows the ``mean`` of its data.
        delta: size of the error.
        form: ``constant``, ``linear`` or ``sinusoidal``.

    Raises:
        OptionError: an unknown form.
        DomainError: (on a call) alpha = 0.

    """

    def __init__(self, model: AnalyticModel, delta: float, form: str = "constant") -> None:
        if form not in ERRORS:
            raise OptionError(f"form = {form!r} is not known; it is one of {', '.join(ERRORS)}.")
        super().__init__(model)
        self.delta, self.form = float(delta), form
        self._mean: Tensor = getattr(model, "mean", torch.zeros(()))

    def error(self, x: Tensor) -> Tensor:
        """The shape e of the error at states x (B, D), before its size."""
        return ERRORS[self.form](x, self._mean.to(x.device, x.dtype))

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The inner model's prediction with the error of its kind."""
        if isinstance(point.alpha, float) and point.alpha == 0.0:
            raise DomainError(f"An error of the score at t = {point.t:g}, where alpha = 0, is an infinite one of x0.")
        state = x.reshape(len(x), -1)
        error = self.error(state).view_as(x)
        p, q = FORMS[self.kind](point)
        # eps -> eps - sigma e, so x0 -> x0 + sigma^2 / alpha e, and p x0 + q eps follows
        scale = (p * point.sigma**2 / point.alpha - q * point.sigma) * (self.delta / math.sqrt(state.shape[1]))
        scale = scale if isinstance(scale, float) else scale.to(x.device, x.dtype)
        return self.model.predict(x, point, **condition) + scale * error
