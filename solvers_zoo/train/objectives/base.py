"""What an objective is, and how it draws its times."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.registry.card import ObjectiveCard
from solvers_zoo.registry.options import Configurable, option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint, GaussianSDE
    from solvers_zoo.score_models.base import ScoreModel

#: How times may be drawn.
TIMES = ("uniform", "log-snr", "log-normal", "importance")


class Objective(Configurable):
    """A loss whose mean over data, times and noise is minimal at the exact score.

    Losses are sums over the coordinates of a sample. With ``times``

    - ``uniform``: t is uniform on [t_min, t_max];
    - ``log-snr``: the log-SNR is uniform between its ends;
    - ``log-normal``: log(sigma/alpha) ~ N(mean, std^2), cut off at the ends (Karras et al. 2022, Table 1; on the rectified flow
      this is the logit-normal law of t);
    - ``importance``: t is drawn uniformly in log-SNR and losses are weighted so that their mean is that of ``uniform``. As
      |d lam/dt| = g^2 / (2 sigma^2), this is the importance sampling of Song et al. 2021 (2101.09258) for the weight
      g^2, in closed form on every Gaussian process.
    """

    card: ClassVar[ObjectiveCard]
    times: str = option("uniform", help="how times are drawn", choices=TIMES)
    mean: float = option(-1.2, help="mean of log(sigma/alpha) for log-normal times")
    std: float = option(1.2, help="its standard deviation", above=0.0)

    @abstractmethod
    def loss_at(self, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, **condition: object) -> Tensor:
        """The loss of every sample (B,) at ``point``, whose fields are floats or (B, 1, ...) tensors.

        Args:
            model: any score model; gradients flow into it.
            x0: data (B, *shape).
            point: of the model's process.
            draws: the randomness.
            condition: passed on to the model.

        """

    def losses(self, model: ScoreModel, x0: Tensor, u: Tensor, draws: Draws, **condition: object) -> Tensor:
        """The weighted loss of every sample (B,), at times made of uniforms ``u`` in (0, 1), (B,).

        Raises:
            IncompatibleError: the process is not one that this objective or this law of times is for.

        """
        sde = model.sde.as_gaussian(f"{self} needs one that is")
        t, weight = self.draw_times(sde, u.double())
        loss = self.loss_at(model, x0, sde.at(t.view(-1, *[1] * (x0.dim() - 1))), draws, **condition)
        return loss * weight.to(loss.dtype)

    def draw_times(self, sde: GaussianSDE, u: Tensor) -> tuple[Tensor, Tensor]:
        """Times and importance weights (B,), float64."""
        import torch

        one, length = torch.ones_like(u), sde.t_max - sde.t_min
        if self.times == "uniform":
            return sde.t_min + u * length, one
        first, last = float(sde.lam(sde.t_min)), float(sde.lam(sde.t_max))
        if self.times == "log-normal":
            level = self.mean + self.std * torch.special.ndtri(u)
            return self._inside(sde, sde.t_of_lam(-level.clamp(-first, -last))), one
        if last == -float("inf"):
            raise IncompatibleError(
                f"{self}: times={self.times} needs a finite log-SNR, and {sde} has none at t_max; lower t_max a little, as in "
                "rectified-flow(t_max=0.999)."
            )
        t = self._inside(sde, sde.t_of_lam(first + u * (last - first)))
        if self.times == "log-snr":
            return t, one
        point = sde.at(t)
        return t, one * ((first - last) / length * 2) * point.sigma**2 / point.g2

    @staticmethod
    def _inside(sde: GaussianSDE, t: Tensor) -> Tensor:
        return t.clamp(sde.t_min, sde.t_max)


def noised(x0: Tensor, point: GaussianPoint, eps: Tensor) -> Tensor:
    """alpha x0 + sigma eps."""
    from solvers_zoo.numerics.combine import combine

    return combine((point.alpha, x0), (point.sigma, eps))


def squared_error(
    form: str, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, condition: Mapping[str, object]
) -> Tensor:
    """Squared error of the model's ``form``, r x0 + s eps, of every sample (B,), from one draw of noise each."""
    from solvers_zoo.numerics.combine import combine
    from solvers_zoo.processes.prediction import FORMS

    eps, (r, s) = draws.fresh(), FORMS[form](point)
    prediction = model(noised(x0, point, eps), point, **condition)
    return summed((getattr(prediction, form) - combine((r, x0), (s, eps))).square())


def summed(values: Tensor) -> Tensor:
    """Sum over the coordinates of each sample, (B,)."""
    return values.flatten(1).sum(1)


def flat_weight(weight: Scalar, like: Tensor) -> Scalar:
    """A weight of (B, 1, ...) or a float as one that multiplies losses (B,)."""
    return weight if isinstance(weight, float) else weight.reshape(-1).to(like.dtype)
