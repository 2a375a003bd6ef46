"""DDPM's ancestral sampling, for any Gaussian process and any grid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import exp, expm1, sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class DDPM(StepSolver):
    r"""Draw from q(x_s | x_t, x_0) with the prediction in the place of x_0.

        q(x_s | x_t, x_0) = N(alpha_s x_0 + e^-h sigma_s eps, sigma_s^2 (1 - e^-2h) I),   h = lam_s - lam_t
        x_s = alpha_s x0 + e^-h sigma_s eps + c z,   z ~ N(0, I)

    The mean is the paper's eq. (7) with x_t = alpha_t x_0 + sigma_t eps put in. c is the posterior's own standard
    deviation (``small``: right when X_0 is a point, the paper's beta-tilde) or that of q(x_t | x_s), sigma_t sqrt(1 - e^-2h)
    (``large``: right when X_0 ~ N(0, I), the paper's beta). Both are consistent. Where alpha_t = 0, h is infinite and x_s is
    a fresh draw around the prediction.
    """

    card = SolverCard(
        name="ddpm",
        title="DDPM ancestral sampling",
        family="ddpm",
        weak_order=1,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        needs=("gaussian", "decreasing"),
        equivalents=("ddim(eta=1)",),
        source=Source(
            authors="Ho, Jain & Abbeel 2020",
            title="Denoising Diffusion Probabilistic Models",
            arxiv="2006.11239",
            where="Algorithm 2; eq. (6) and (7)",
        ),
    )
    variance: str = option(
        "small", help="variance of the noise: small (beta-tilde) or large (beta)", choices=("small", "large")
    )

    def facts(self) -> SolverCard:
        """With the large variance the step is no longer DDIM's."""
        return self.card if self.variance == "small" else replace(self.card, equivalents=())

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One ancestral step."""
        t, s = interval.t, interval.s
        h = s.lam - t.lam
        c = (s.sigma if self.variance == "small" else t.sigma) * sqrt(-expm1(-2 * h))
        mean = model(x, t).terms(s.alpha, exp(-h) * s.sigma)
        return Step(combine(*mean, (c, noise.between(t, s))))
