"""Multistep consistency sampling: to the data in one call, back up by fresh noise, and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, option
from solvers_zoo.numerics import sqrt, where

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel


class Consistency(StepSolver):
    r"""The model's x0, taken for a sample of the data, with fresh noise of the next level.

        x_s = alpha_s (x0(x_t, t) + sqrt(rho_s^2 - floor^2) z),    rho = sigma/alpha

    For a consistency model, which maps every point of a trajectory to the trajectory's end: each call already gives samples, and
    each further one mends what the call before got wrong. With floor = epsilon, the level at which the model's answers are, and
    a grid that ends there, N steps are Algorithm 1 with N calls; with floor = 0 and the last step by ``denoise`` they are the
    sampler of latent consistency models (Luo et al. 2023, 2310.04378). The law is exact for an exact endpoint map, in any number
    of steps. A model that predicts the mean of the data is none; of a Gaussian of variance v it makes the variance
    sigma^2 / (1 - (1 - sigma^2/(alpha^2 v + sigma^2))^2) where the levels stand still, about half of what it should be.
    """

    card = SolverCard(
        name="consistency",
        title="Multistep consistency sampling",
        aliases=("lcm",),
        family="ancestral",
        stochastic=True,
        bias="of a posterior mean it makes a law of its own, too narrow; exact where x0 is the end of a trajectory",
        needs=("gaussian", "decreasing"),
        source=Source(
            authors="Song et al. 2023",
            title="Consistency Models",
            arxiv="2303.01469",
            where="Algorithm 1",
        ),
    )
    floor: float = option(
        0.0, help="noise that the model's answers still have, as sigma/alpha: epsilon in the paper", low=0.0, high=0.02
    )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, one evaluation."""
        s = interval.s
        spread = s.sigma**2 - (s.alpha * self.floor) ** 2
        fresh = sqrt(where(spread > 0, spread, 0.0 * spread))
        told = model(x, interval.t).x0
        return Step(s.alpha * told + fresh * noise.between(interval.t, s))

    def stationary_variance(self, variance: float, grid: Grid) -> float:
        """Of a posterior mean at a level that stands still: a^2 V + c^2 = V with a = 1 - sigma^2/variance."""
        end = grid[-1]
        kept = 1 - end.sigma**2 / variance
        return float(max(end.sigma**2 - (end.alpha * self.floor) ** 2, 0.0) / (1 - kept**2))
