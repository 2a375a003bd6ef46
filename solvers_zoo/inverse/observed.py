"""A model and a linear observation of the data: what every method for inverse problems starts from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from solvers_zoo.errors import ModelError, OptionError
from solvers_zoo.inverse.operators import DecomposedOperator, LinearOperator
from solvers_zoo.numerics.combine import combine
from solvers_zoo.processes.prediction import tweedie
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction


class Observation(NamedTuple):
    """y = operator(X_0) + noise_std n; ``y`` is (B, *operator.observed), in the dtype of the state."""

    operator: LinearOperator
    y: Tensor
    noise_std: float


class Observed(ModelWrapper):
    r"""``model``, and a linear observation of the data: y = A x_0 + noise_std n.

    By itself it answers as the model does. Its predictions carry what was observed, for solvers that use it (``ddrm``),
    and it puts it into a state for those that ask (``repaint``), if the operator is decomposed: in the coordinates of
    V, where y_i/s_i tells x_0 up to noise_std/s_i, the coordinates i seen become

        alpha y_i/s_i + sqrt(sigma^2 - alpha^2 noise_std^2/s_i^2) z

    as long as the root is real (the law of alpha x_0 + sigma eps given y_i, under a flat prior); later they are left
    alone.

    Args:
        model: the model.
        operator: A.
        y: one observation for all samples, of the operator's ``observed`` shape, or a row for each sample of a run. A
            run may give its own as ``condition={"observation": y}``.
        noise_std: standard deviation of its noise.

    Raises:
        OptionError: shapes that do not go together, or a negative noise_std.

    """

    def __init__(self, model: ScoreModel, operator: LinearOperator, y: object, noise_std: float = 0.0) -> None:
        super().__init__(model)
        self.operator, self.y, self.noise_std = operator, torch.as_tensor(y), float(noise_std)
        if not self.noise_std >= 0:
            raise OptionError(f"noise_std = {noise_std} is no standard deviation; it is 0 or more.")
        if self.shape is not None and tuple(self.shape) != tuple(operator.shape):
            raise OptionError(f"The operator acts on shape {operator.shape}, and samples are of shape {self.shape}.")
        if tuple(self.y.shape[self._rows() :]) != tuple(operator.observed) or self.y.dim() > len(operator.observed) + 1:
            raise OptionError(
                f"y has shape {tuple(self.y.shape)}; the operator gives {operator.observed}, for one sample or a row each."
            )
        self.shape = tuple(operator.shape)

    def _rows(self) -> int:
        return int(self.y.dim() > len(self.operator.observed))

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """The model's, and each sample's own observation where there is a row for each."""
        inner = self.model.default_condition(seed, samples)
        if not self._rows():
            return inner
        if max(samples) >= len(self.y):
            raise OptionError(
                f"Sample {max(samples)} has no observation: y has {len(self.y)} rows; give one for each sample."
            )
        return {**inner, "observation": self.y[torch.as_tensor(list(samples))]}

    def predict(self, x: Tensor, point: GaussianPoint, **condition: Any) -> Tensor:
        """The output alone."""
        return self(x, point, **condition).out

    def __call__(
        self, x: Tensor, point: GaussianPoint, observation: Tensor | None = None, **condition: object
    ) -> Prediction:
        """The prediction given what was observed, which it carries."""
        y = (self.y if observation is None else observation).to(x.device, x.dtype)
        try:
            y = y.expand(len(x), *self.operator.observed)
        except RuntimeError as error:
            raise OptionError(
                f"There are {len(x)} samples and an observation of shape {tuple(y.shape)}; give one for all, or a row each."
            ) from error
        seen = Observation(self.operator, y, self.noise_std)
        prediction = self.guide(x, point, seen, condition)
        prediction.observed = seen
        return prediction

    def guide(self, x: Tensor, point: GaussianPoint, seen: Observation, condition: dict[str, object]) -> Prediction:
        """The prediction given the observation; here the model's."""
        return self.model(x, point, **condition)

    def impose(self, x: Tensor, point: GaussianPoint, draws: Draws) -> Tensor:
        """The coordinates seen, put in with the noise of ``point``."""
        x, A = self.model.impose(x, point, draws), self.operator
        if not isinstance(A, DecomposedOperator) or self._rows():
            raise OptionError(
                "Only one observation for all samples, of a decomposed operator, can be put into a state."
            )
        spectrum, noise, y = A.V_T(x), A.V_T(draws.fresh()), self.y.to(x)[None]
        values = A.values(x)
        known = A.U_T(y)[:, : len(values)] / values
        alpha, sigma = (flat(c, x) for c in (point.alpha, point.sigma))
        left = sigma**2 - (alpha * self.noise_std / values) ** 2
        seen = slice(len(values))
        noisy = alpha * known + left.clamp_min(0).sqrt() * noise[:, seen]
        put = torch.where(left >= 0, noisy, spectrum[:, seen])
        return A.V(torch.cat([put, spectrum[:, len(values) :]], 1))


class GradientObserved(Observed):
    """An `Observed` whose score is moved by scale J^T A^T r, J = d x0/d x, where a subclass says what r is.

    A call costs two evaluations, one of them for the product with J^T.
    """

    scale: float = 1.0

    def __init__(self, model: ScoreModel, operator: LinearOperator, y: object, noise_std: float = 0.0) -> None:
        super().__init__(model, operator, y, noise_std)
        self.kind, self.cost = "x0", 2 * model.cost

    @abstractmethod
    def residual(self, away: Tensor, point: GaussianPoint, pull: Callable[[Tensor], Tensor]) -> Tensor:
        """What y - A x0, ``away``, becomes in the gradient; ``pull`` gives J^T v of a v."""

    def guide(self, x: Tensor, point: GaussianPoint, seen: Observation, condition: dict[str, object]) -> Prediction:
        """The prediction whose x0 is Tweedie's, x0 + sigma^2/alpha gradient, of the score plus the gradient.

        It takes reverse differentiation, also where a run records no graph.

        Raises:
            ModelError: the model cannot be differentiated.

        """
        recording = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = x if recording and x.requires_grad else x.detach().requires_grad_()
            prediction = self.model(leaf, point, **condition)
            x0 = prediction.x0
        if not prediction.out.requires_grad:  # x0 may have one all the same, from the state in it
            raise ModelError(
                "The model's answer does not depend on the state as far as torch can see, so it has no gradient: it is "
                "computed under no_grad, or outside torch. DDNM and the solver ddrm do without gradients."
            )

        def pull(v: Tensor) -> Tensor:
            with torch.enable_grad():
                return torch.autograd.grad(x0, leaf, v, retain_graph=True, create_graph=recording)[0]

        known = x0 if recording else x0.detach()
        residual = self.residual(seen.y - self.operator(known), point, pull)
        gradient = self.scale * pull(self.operator.T(residual))
        return self.sde.predict("x0", x, point, combine((1.0, known), (tweedie(point), gradient)))


def flat(c: Scalar, like: Tensor) -> Tensor:
    """A number, or (B, 1, ...) as (B, 1), in the dtype and on the device of ``like``, as a tensor."""
    return torch.as_tensor(c, dtype=torch.float64).to(like.device, like.dtype).reshape(-1, 1)
