"""Euler-Maruyama on the family of reverse SDEs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import absolute, sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class EulerMaruyama(StepSolver):
    r"""One explicit step in t of the reverse SDE with noise ``level`` l.

        dx  = [f(x, t) - (1 + l^2)/2 g(t)^2 score(x, t)] dt + l g(t) dW
        x_s = x_t + drift(x_t, t) (s - t) + l g(t) sqrt|s - t| z

    All levels have the marginals p_t; l = 1 is Anderson's reverse SDE, l = 0 the probability flow. It asks for nothing but a
    score, so it runs on any process. g depends on t alone, which makes the strong order 1, not 1/2: Milstein's correction is zero.
    """

    card = SolverCard(
        name="euler-maruyama",
        title="Euler-Maruyama",
        aliases=("em", "milstein"),
        family="sde",
        weak_order=1,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="t",
        needs=("finite-diffusion", "decreasing"),
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="eq. (6); Section 4.1",
        ),
    )
    level: float = option(1.0, help="noise level: 0 is the probability flow, 1 the reverse SDE", low=0.0)

    def facts(self) -> SolverCard:
        """At level 0 it is Euler in t, and runs in both directions."""
        if self.level:
            return replace(self.card, noise_level=self.level)
        return replace(self.card.noise_free(1, ("euler(variable=t)",)), needs=())

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step."""
        t, s = interval.t, interval.s
        h = s.t - t.t
        move = (1.0, x), (h, model(x, t).drift(self.level))
        if not self.level:
            return Step(combine(*move))
        return Step(combine(*move, (self.level * t.g * sqrt(absolute(h)), noise.between(t, s))))
