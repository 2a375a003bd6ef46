"""The ideal sampler: the exact flow, where the law is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from solvers_zoo import Solver, SolverCard, Source, State, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Grid, Noise, ScoreModel


class Ideal(Solver):
    r"""Carry the state along the exact probability flow, x_s = F_(t->s)(x_t), with no network evaluation.

    What a perfect solver would give, to hold the others to: in closed form for a Gaussian, by monotone transport in one
    dimension, and otherwise by integrating the flow of the closed-form denoiser to ``rtol``. On the kernel mixture of a data set
    that denoiser is the mean of the data weighted by exp(-|x - alpha y|^2 / (2 sigma^2)), the ideal one of the training set.

    A model without a law in closed form is refused, and so is one that a wrapper changed.
    """

    card = SolverCard(
        name="ideal",
        title="Ideal sampler",
        family="wrapper",
        evaluations=None,
        aliases=("optimal",),
        adaptive=True,
        batch_coupled=True,
        source=Source(
            authors="Karras et al. 2022",
            title="Elucidating the Design Space of Diffusion-Based Generative Models",
            arxiv="2206.00364",
            where="Appendix B.3: the ideal denoiser of a finite data set",
        ),
    )
    rtol: float = option(1e-9, help="tolerance where the flow is integrated", above=0.0)

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """One State a time of the grid.

        Raises:
            IncompatibleError: a model whose law is not known.

        """
        from solvers_zoo import exact_flow  # loads torch and scipy

        state = State(0, grid[0], x) if state is None else state
        for index in range(state.index, grid.steps):
            s = grid[index + 1]
            state = State(index + 1, s, exact_flow(model, state.x, grid[index], s, self.rtol))
            yield state
