"""The discrete objectives of DDPM."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.numerics.scalar import maximum
from solvers_zoo.registry.card import ObjectiveCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.objectives.base import Objective, flat_weight, noised, summed

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import GaussianPoint, GaussianSDE
    from solvers_zoo.score_models.base import ScoreModel


class DDPMBound(Objective):
    r"""The variational bound on -log p(x0) of DDPM, in nats, or its simple form, at the whole indices of ``ddpm-betas``.

        simple:  E |eps - eps_model|^2 / 2
        bound:   L_T + sum_(i >= 1) KL(q(x_(i-1) | x_i, x0) || p(x_(i-1) | x_i)) - E log p(x0 | x at index 0)

    One index a sample is drawn, and its term counts as many times as there are indices, so the mean over draws is the bound. The
    reverse steps have the variance of q (``small``, then a term is (SNR_(i-1) - SNR_i) |x0 - x0_model|^2 / 2) or beta (``large``).
    With ``levels`` grey levels in [-1, 1] the last term is that of the level's interval; 0 takes the density at x0.
    """

    card = ObjectiveCard(
        name="ddpm",
        title="DDPM, simple loss or variational bound",
        formula="L_simple = 1/2 E |eps - eps_model|^2, or L_T + sum KL + L_0",
        source=Source(
            authors="Ho, Jain & Abbeel 2020",
            title="Denoising Diffusion Probabilistic Models",
            arxiv="2006.11239",
            where="eqs. (5), (13), (14)",
        ),
    )
    bound: bool = option(False, help="the full bound instead of the simple loss")
    variance: str = option(
        "small", help="of the reverse steps: small is that of q given x0, large is beta", choices=("small", "large")
    )
    levels: int = option(0, help="grey levels of the data in [-1, 1]; 0 for continuous data", low=0)

    def draw_times(self, sde: GaussianSDE, u: Tensor) -> tuple[Tensor, Tensor]:
        """Whole indices, all alike.

        Raises:
            IncompatibleError: a process without indices.

        """
        if not sde.discrete or self.times != "uniform":
            raise IncompatibleError(
                f"{self} is for uniform times on the indices of ddpm-betas; {sde} has none, dsm serves it."
            )
        return (u * (sde.t_max + 1)).floor().clamp(max=sde.t_max), u * 0 + 1

    def loss_at(self, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, **condition: object) -> Tensor:
        """The loss of the step whose index is at ``point``."""
        import torch

        eps = draws.fresh()
        prediction = model(noised(x0, point, eps), point, **condition)
        if not self.bound:
            return 0.5 * summed((prediction.eps - eps).square())
        sde = model.sde.as_gaussian()
        index = torch.as_tensor(point.t, dtype=torch.float64).reshape(-1).expand(len(x0))
        before = sde.at((index - 1).clamp(min=0).view(-1, *[1] * (x0.dim() - 1)))
        error = summed((x0 - prediction.x0).square())
        step = self._step(point, before, error, x0[0].numel())
        last = self._decoder(x0, prediction.x0, point)
        return (sde.t_max + 1) * torch.where(index == 0, last, step) + self._prior(sde, x0)

    def _step(self, point: GaussianPoint, before: GaussianPoint, error: Tensor, dim: int) -> Tensor:
        """KL(q(x_(i-1) | x_i, x0) || p(x_(i-1) | x_i)); at index 0, where there is none, anything finite."""
        beta = maximum(1 - (point.alpha / before.alpha) ** 2, 1e-12)
        own = beta * before.sigma**2 / point.sigma**2
        variance = own if self.variance == "small" else beta
        ratio = own / variance
        constant = dim / 2 * (ratio - 1 - ratio.log()) if hasattr(ratio, "log") else 0.0
        factor = (before.alpha * beta / point.sigma**2) ** 2 / (2 * variance)
        return flat_weight(factor, error) * error + flat_weight(constant, error)

    def _decoder(self, x0: Tensor, mean: Tensor, point: GaussianPoint) -> Tensor:
        """-log p(x0 | x at index 0), a Gaussian round the prediction of x0 with the first beta as its variance."""
        import torch

        sigma = torch.as_tensor(point.sigma, dtype=x0.dtype)
        if not self.levels:
            return summed(0.5 * ((x0 - mean) / sigma).square() + sigma.log() + 0.5 * math.log(2 * math.pi))
        half = 1 / (self.levels - 1) if self.levels > 1 else 1.0
        top = torch.where(x0 > 1 - half, math.inf, (x0 + half - mean) / sigma)
        bottom = torch.where(x0 < half - 1, -math.inf, (x0 - half - mean) / sigma)
        # of two tails of one sign the smaller ones have the digits
        flip = (top + bottom) > 0
        top, bottom = torch.where(flip, -bottom, top), torch.where(flip, -top, bottom)
        mass = torch.special.ndtr(top) - torch.special.ndtr(bottom)
        return -summed(mass.clamp(min=1e-12).log())

    def _prior(self, sde: GaussianSDE, x0: Tensor) -> Tensor:
        """KL(q(x_T | x0) || N(0, I))."""
        end = sde.at(float(sde.t_max))
        return 0.5 * summed(end.alpha**2 * x0.square() + (end.sigma**2 - 1 - math.log(end.sigma**2)))
