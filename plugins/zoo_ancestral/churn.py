r"""Churn: noise added before a step of the flow, which then also takes it away again (Karras et al. 2022, Algorithm 2).

With rho = sigma/alpha and N steps, a step from t begins with

    gamma   = min(S_churn / N, sqrt(2) - 1) where S_tmin <= rho_t <= S_tmax, else 0
    rho_hat = (1 + gamma) rho_t,    x_hat/alpha_hat = x_t/alpha_t + S_noise sqrt(rho_hat^2 - rho_t^2) z

and goes from hat to s by a rule of the flow. A process ends at t_max, so rho_hat is at most its rho there.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import minimum, sqrt, where

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, GaussianSDE, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar

KARRAS = Source(
    authors="Karras et al. 2022",
    title="Elucidating the Design Space of Diffusion-Based Generative Models",
    arxiv="2206.00364",
    where="Algorithm 2",
)


class Churn(StepSolver):
    """Options, cards and the way up; subclasses bring the way down."""

    S_churn: float = option(10.0, help="noise added over all steps: gamma = S_churn/N in each", low=0.0)
    S_tmin: float = option(0.0, help="smallest sigma/alpha at which noise is added", low=0.0)
    S_tmax: float = option(math.inf, help="largest sigma/alpha at which noise is added", low=0.0)
    S_noise: float = option(1.0, help="scale of the added noise; any but 1 biases the variance", low=0.95, high=1.05)
    quiet: ClassVar[str]
    """The solver that it is without noise."""

    @abstractmethod
    def descend(self, model: ScoreModel, x: Tensor, hat: GaussianPoint, s: GaussianPoint) -> Tensor:
        """A step of the flow from ``hat`` to ``s``."""

    @abstractmethod
    def contraction(self, k: Callable[[float], float], hat: float, s: float) -> float:
        """The factor of `descend` on the linear flow dy/drho = k(rho) y."""

    def facts(self) -> SolverCard:
        """Without noise a solver of the flow; with noise of another scale biased."""
        card = self.card
        if self.S_churn == 0:
            return card.noise_free(card.weak_order, (self.quiet,))
        if self.S_noise == 1:
            return card
        bias = f"where noise is added the variance settles towards {self.S_noise**2:.4g} times the exact one"
        return replace(card, weak_order=None, bias=bias)

    def stationary_variance(self, variance: float, grid: Grid) -> float | None:
        """Where steps up and down at the last level settle: the fixed point of v = a^2 (v + S_noise^2 (rho_hat^2 - rho^2))."""
        s = grid[-1]
        rho, gamma = s.rho, self._gamma(grid.sde.as_gaussian(), s, grid.steps)
        if self.S_noise == 1 or not gamma:
            return None
        hat = (1 + gamma) * rho
        data = variance / s.alpha**2 - rho**2
        a2 = self.contraction(lambda r: r / (data + r * r), hat, rho) ** 2
        return float(s.alpha**2 * a2 * self.S_noise**2 * (hat**2 - rho**2) / (1 - a2))

    def _gamma(self, sde: GaussianSDE, t: GaussianPoint, steps: int) -> Any:
        """gamma of a step from t, as far as the process reaches; what is left there by rounding is no room."""
        gamma = min(self.S_churn / steps, math.sqrt(2) - 1)
        room = sde.at(sde.t_max).rho / t.rho - 1
        return where((self.S_tmin <= t.rho) & (t.rho <= self.S_tmax) & (room > 1e-9), minimum(room, gamma), 0.0)

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> tuple[GaussianPoint, Scalar] | None:
        """The point hat, and the standard deviation of the noise in x there."""
        if not self.S_churn:
            return None
        sde = grid.sde.as_gaussian()
        gamma = self._gamma(sde, t, grid.steps)
        hat = sde.at_rho((1 + gamma) * t.rho)
        return hat, self.S_noise * hat.alpha * t.rho * sqrt(gamma * (2 + gamma))

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """Up, if there is noise, and down."""
        t, s = interval.t, interval.s
        if not self.S_churn:
            return Step(self.descend(model, x, t, s))
        hat, c = interval.plan
        return Step(self.descend(model, combine((hat.alpha / t.alpha, x), (c, noise.fresh())), hat, s))
