"""Inpainting by annealed Langevin dynamics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvers_zoo import registry
from solvers_zoo.card import SolverCard, Source
from solvers_zoo.noise.base import Draws
from solvers_zoo.options import option
from solvers_zoo.stepping import Interval, Step, StepSolver

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.time_grids.base import Grid


class InpaintingLangevin(StepSolver):
    r"""Annealed Langevin dynamics which puts in, after every one of its steps, what an `Inpainting` model knows.

        for every level sigma_i, alpha_i = eps sigma_i^2 / sigma_L^2:
            y <- known + sigma_i z                                                   drawn once a level
            repeat n_steps_each times:
                x <- x + alpha_i/2 score(x, sigma_i) + sqrt(alpha_i) z
                x <- mask y + (1 - mask) x

    The wrapper ``projection`` puts it in once a step of the grid, which here would be once a level: too late for the rest of the
    state to be drawn given it, and so it refuses chains. Where the model knows nothing this is ``annealed-langevin``.
    """

    card = SolverCard(
        name="inpainting-langevin",
        title="Inpainting by annealed Langevin dynamics",
        family="langevin",
        stochastic=True,
        stationary=True,
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Song & Ermon 2019",
            title="Generative Modeling by Estimating Gradients of the Data Distribution",
            arxiv="1907.05600",
            where="Algorithm 2",
        ),
    )
    eps: float = option(0.001, help="step size at the last level, in units of (x/alpha)^2", above=0.0)
    n_steps_each: int = option(10, help="Langevin steps a noise level", low=1)

    def nfe(self, steps: int) -> int:
        """``steps`` intervals have ``steps`` + 1 noise levels."""
        return (steps + 1) * self.n_steps_each

    def plan(self, grid: Grid) -> Sequence[Any]:
        """``annealed-langevin`` of one step a level, and its plan."""
        kernel: Any = registry.default().make("solver", "annealed-langevin", eps=self.eps, n_steps_each=1)
        return [(kernel, plan) for plan in kernel.plan(grid)]

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """The chain at the level of ``interval.s``; before the first of them, also at that of ``interval.t``."""
        t, s, (kernel, plan) = interval.t, interval.s, interval.plan
        for before, level in ((t, t), (t, s)) if interval.number == 0 else ((t, s),):
            y = _Once(noise)
            for _ in range(self.n_steps_each):
                x = kernel.step(model, x, Interval(before, level, plan, 1), None, noise).x
                x, before = model.impose(x, level, y), level
        return Step(x)


class _Once(Draws):
    """Normals that are drawn once and then stay as they are."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self._kept: Tensor | None = None

    def fresh(self) -> Tensor:
        """The same N(0, I) whenever it is asked for."""
        if self._kept is None:
            self._kept = self.draws.fresh()
        return self._kept

    def between(self, t: Any, s: Any, area: bool = False) -> Any:
        """As drawn."""
        return self.draws.between(t, s, area)

    def uniform(self) -> Tensor:
        """As drawn."""
        return self.draws.uniform()
