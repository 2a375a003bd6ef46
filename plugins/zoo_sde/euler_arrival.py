"""Euler's method with the score taken at the time of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval, ScoreModel


class EulerArrival(StepSolver):
    r"""Euler on the probability flow, in t, that pairs the state at t with the score at s.

        x_s = x_t + (s - t) flow(x_t, s)

    That is what a loop "for t in times[1:]: x -= dt * u(x, t)" computes. It is neither the explicit step (everything at
    t) nor the implicit one (everything at s), but of order 1 like both, and never calls the model at the grid's first time.
    """

    card = SolverCard(
        name="euler-arrival",
        title="Euler, score at the arrival time",
        family="sde",
        order=1,
        variable="t",
        needs=(),
        source=Source(
            authors="Tomczak 2024",
            title="Deep Generative Modeling (2nd edition)",
            link="https://doi.org/10.1007/978-3-031-64087-2",
            where="Chapter 9, the sampling loop of the score-based generative model",
        ),
    )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step."""
        t, s = interval.t, interval.s
        return Step(combine((1.0, x), (s.t - t.t, model(x, s).flow)))
