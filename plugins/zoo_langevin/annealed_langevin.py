"""Annealed Langevin dynamics of NCSN."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from zoo_langevin.kernel import langevin_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar

#: eps / sigma_L^2 where eps is not given: the setting of NCSN's two-mode example (eps = 0.1 at sigma_L = 1).
_RELATIVE = 0.1


class AnnealedLangevin(StepSolver):
    r"""Langevin dynamics at one noise level after the other, sigma_1 > ... > sigma_L.

        alpha_i = eps sigma_i^2 / sigma_L^2
        repeat n_steps_each times:   x <- x + alpha_i/2 score(x, sigma_i) + sqrt(alpha_i) z

    The levels are all N + 1 times of the grid, the first and the last included: the first step of the zoo runs the
    first two. Where the process also shrinks the data, x = alpha(t) X_0 + sigma(t) eps, the algorithm runs on x/alpha(t),
    whose noise level is sigma/alpha: the state is rescaled between levels, and the steps are alpha(t)^2 times as large.

    At each level it has the bias of Langevin dynamics: on a law of variance V there, V / (1 - alpha_i/(4 V)). Algorithm 1
    ends at sigma_L; ``denoise=True`` of the driver then takes the result to the data.
    """

    card = SolverCard(
        name="annealed-langevin",
        title="Annealed Langevin dynamics",
        aliases=("ald",),
        family="langevin",
        evaluations=20,
        stochastic=True,
        stationary=True,
        bias="on N(m, v) the variance at the last level settles at v / (1 - eps/(4 v)), with n_steps_each large",
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Song & Ermon 2019",
            title="Generative Modeling by Estimating Gradients of the Data Distribution",
            arxiv="1907.05600",
            where="Algorithm 1",
        ),
    )
    eps: float = option(
        None,
        help="step size at the last level, in units of (x/alpha)^2; by default 0.1 sigma_L^2",
        kind="float",
        above=0.0,
    )
    n_steps_each: int = option(20, help="Langevin steps a noise level (T of the paper, 100 there)", low=1)

    def facts(self) -> SolverCard:
        """``n_steps_each`` calls a level."""
        return replace(self.card, evaluations=self.n_steps_each)

    def nfe(self, steps: int) -> int:
        """``steps`` intervals have ``steps`` + 1 noise levels."""
        return (steps + 1) * self.n_steps_each

    def plan(self, grid: Grid) -> Sequence[Any]:
        """eps / sigma_L^2, for every interval."""
        relative = _RELATIVE if self.eps is None else self.eps / grid[-1].rho ** 2
        return [relative] * grid.steps

    def stationary_variance(self, variance: float, grid: Grid) -> float:
        """v / (1 - eps/(4 v)) at the last level, in units of x squared."""
        eps = _RELATIVE * grid[-1].sigma ** 2 if self.eps is None else self.eps * grid[-1].alpha ** 2
        return variance / (1 - eps / (4 * variance))

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """The chain at the level of ``interval.s``; before the first of them, also at that of ``interval.t``."""
        t, s, relative = interval.t, interval.s, interval.plan
        if interval.number == 0:
            x = self.chain(model, x, t, relative, noise)
        x = combine((s.alpha / t.alpha, x))
        return Step(self.chain(model, x, s, relative, noise))

    def chain(self, model: ScoreModel, x: Tensor, point: GaussianPoint, relative: Scalar, noise: Draws) -> Tensor:
        """The steps at one level; (B, ...) to the same."""
        return langevin_kernel(model, x, point, relative * point.sigma**2, self.n_steps_each, noise)
