"""DDRM: restoration in the coordinates in which the observation is diagonal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import Around, Once, OptionError, SolverCard, Source, Step, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Interval, Prediction, ScoreModel


class DDRM(Around):
    r"""Each coordinate of V (A = U S V^T) of the next state is drawn by what was seen of it; x0 and eps are predicted.

        unseen                          alpha x0 + sqrt(1 - eta^2) sigma eps + eta sigma z
        y_i less sure than the level    alpha x0 + sqrt(1 - eta^2) sigma (y_i/s_i - x0)/n_i + eta sigma z
        y_i surer                       alpha ((1 - eta_b) x0 + eta_b y_i/s_i) + sqrt(sigma^2 - (alpha eta_b n_i)^2) z

    n_i = noise_std/s_i; alpha and sigma are those of the end of the step, and y_i is surer where alpha n_i <= sigma. The
    observation is the model's: wrap it in `Observed`. eta is the share of fresh noise whatever the step, so small steps
    draw nearly all of the state anew: there is no limit of small steps, and 20 steps are usual. Where the model observes
    nothing it is ``solver`` itself. The start is the run's own: the first step puts y in. On the mixture of
    docs/inverse-problems.md its mean is 0.44 off, its covariance 0.50 and its sliced W1 0.17.
    """

    card = SolverCard(
        name="ddrm",
        title="DDRM",
        family="wrapper",
        source=Source(
            authors="Kawar et al. 2022",
            title="Denoising Diffusion Restoration Models",
            arxiv="2201.11793",
            where="the model's transitions p(x_t | x_{t+1}, y), as in the authors' efficient_generalized_steps",
        ),
    )
    eta: float = option(
        0.85, help="share of fresh noise in what is unseen, or seen with more noise than the level's", low=0, high=1
    )
    eta_b: float = option(1.0, help="weight of the observation where it is surer than the level", low=0, high=1)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """Ask once, and let the observation decide."""
        once = Once(model, x, interval.t)
        prediction = once(x, interval.t)
        if prediction.observed is None:
            return self.stepper.step(once, x, interval, memory, noise)
        return Step(self._restored(prediction, interval.s, noise.fresh()), memory)

    def _restored(self, prediction: Prediction, s: GaussianPoint, z: Tensor) -> Tensor:
        """The next state."""
        import torch

        from solvers_zoo import DecomposedOperator

        A, y, std = prediction.observed
        if not isinstance(A, DecomposedOperator):
            raise OptionError(f"ddrm needs the operator's singular values; {type(A).__name__} has none.")
        alpha, sigma = (torch.as_tensor(c, dtype=torch.float64).to(z).reshape(-1, 1) for c in (s.alpha, s.sigma))
        x0, eps, z = (A.V_T(v) for v in (prediction.x0, prediction.eps, z))
        kept, eta = (1 - self.eta**2) ** 0.5, self.eta
        unseen = alpha * x0 + sigma * (kept * eps + eta * z)
        values = A.values(x0)
        rank = len(values)
        told, blur = A.U_T(y)[:, :rank] / values, alpha * std / values  # y_i/s_i, and its noise at the level's scale
        x0, z = x0[:, :rank], z[:, :rank]
        vague = alpha * x0 + sigma * (kept * alpha * (told - x0) / blur.clamp_min(torch.finfo(z.dtype).tiny) + eta * z)
        left = (sigma**2 - (self.eta_b * blur) ** 2).clamp_min(0).sqrt()
        sure = alpha * ((1 - self.eta_b) * x0 + self.eta_b * told) + left * z
        seen = torch.where(blur <= sigma, sure, vague)
        return A.V(torch.cat([seen, unseen[:, rank:]], 1))
