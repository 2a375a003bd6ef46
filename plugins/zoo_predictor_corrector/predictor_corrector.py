"""Predictor-corrector sampling with a Langevin corrector of fixed signal-to-noise ratio."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import OptionError, Solver, SolverCard, Source, Step, StepSolver, combine, made_of_steps, option
from solvers_zoo.numerics import minimum, sqrt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel, State
    from solvers_zoo.numerics.scalar import Scalar

_SOURCE = Source(
    authors="Song et al. 2021",
    title="Score-Based Generative Modeling through Stochastic Differential Equations",
    arxiv="2011.13456",
    where="Algorithms 1, 4 and 5",
)


class PredictorCorrector(StepSolver):
    r"""A step of the ``predictor`` from t to s, then ``n_steps`` Langevin steps at s.

        g = score(x, s),   z ~ N(0, I)
        eps = 2 a snr^2 min(|z|^2 / |g|^2, sigma^2)
        x <- x + eps g + sqrt(2 eps) z

    a is 1 - beta of the interval, (alpha_t/alpha_s)^2 on any process: 1 on VE (Algorithm 4), alpha_i on VP (Algorithm 5).
    |z| and |g| are the norms of each sample, as the algorithms are printed; the paper's code takes their means over the
    batch (``predictor-corrector-batch-mean``). Means do not vanish, but one sample's |g| does between modes and at
    their tops, and the printed step then has no bound; hence the minimum. On images sigma g is the noise itself, |g| is
    |z|/sigma nearly, and it changes nothing. With ``corrector_first`` the Langevin steps come before the predictor, at t.

    The Langevin steps keep their size as the grid is refined, so the law keeps a bias; and as a step's size depends on
    where it starts, more of it in few dimensions: there prefer the predictor alone, or means over a batch.
    """

    card = SolverCard(
        name="predictor-corrector",
        title="Predictor-corrector",
        aliases=("pc",),
        family="predictor-corrector",
        evaluations=2,
        stochastic=True,
        affine=False,
        bias="the corrector's: on a Gaussian the variance settles at up to 1 + snr^2 times the exact one in many "
        "dimensions, at 1.2 times in two and 1.5 times in one (snr = 0.16)",
        needs=("gaussian", "decreasing"),
        source=_SOURCE,
    )
    predictor: Solver = option("reverse-diffusion", help="any one-step solver", kind="solver")
    snr: float = option(0.16, help="signal-to-noise ratio r of the corrector", above=0.0)
    n_steps: int = option(1, help="corrector steps a noise level (M of the paper)", low=0)
    corrector_first: bool = option(False, help="correct before predicting")

    def check(self) -> None:
        """The predictor must be a solver that steps from the last state alone."""
        inner = self.predictor.facts()
        if isinstance(self.predictor, StepSolver) and not inner.memory and not inner.stationary:
            return
        raise OptionError(
            f"{self.spec_name()}: predictor = {self.predictor} is not possible; a corrector changes the state between steps, "
            "so the predictor must be a one-step solver such as reverse-diffusion, euler-maruyama, ddpm or heun."
        )

    def facts(self) -> SolverCard:
        """The predictor's needs and cost, and the corrector's; without corrector steps, the predictor's facts."""
        inner, own = self.predictor.facts(), self.card
        if self.n_steps == 0:
            return replace(inner, name=own.name, aliases=own.aliases, equivalents=(str(self.predictor),))
        return replace(
            own,
            evaluations=None if inner.evaluations is None else inner.evaluations + self.n_steps,
            needs=tuple(dict.fromkeys((*inner.needs, *own.needs))),
            batch_coupled=own.batch_coupled or inner.batch_coupled,
            adaptive=inner.adaptive,
            resumable=inner.resumable,
        )

    def nfe(self, steps: int) -> int | None:
        """The predictor's calls, and ``n_steps`` more a step."""
        calls = self.predictor.nfe(steps)
        return None if calls is None else calls + self.n_steps * steps

    def report(self, state: State) -> dict[str, Any]:
        """What the predictor reports of its run."""
        return self.predictor.report(state)

    def stationary_variance(self, variance: float, grid: Grid) -> float | None:
        """v / (1 - eps/(2 v)) of the corrector at the last level, in many dimensions, where the norms are what they are on average."""
        if self.n_steps == 0:
            return self.predictor.stationary_variance(variance, grid)
        return variance / (1 - self._mean_step(variance, grid[-1]) / (2 * variance))

    def _mean_step(self, variance: float, point: GaussianPoint) -> float:
        """eps in many dimensions on an interval so short that a = 1: |z|^2 / |g|^2 is the variance."""
        return 2 * self.snr**2 * min(variance, float(point.sigma) ** 2)

    def plan(self, grid: Grid) -> Sequence[Any]:
        """The plan of the predictor."""
        return made_of_steps(self.predictor).plan(grid)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """Predict and correct."""
        if self.corrector_first:
            x = self._correct(model, x, interval.t, interval, noise)
        predicted = made_of_steps(self.predictor).step(model, x, interval, memory, noise)
        if self.corrector_first:
            return predicted
        return predicted._replace(x=self._correct(model, predicted.x, interval.s, interval, noise))

    def _correct(self, model: ScoreModel, x: Tensor, point: GaussianPoint, interval: Interval, noise: Draws) -> Tensor:
        """``n_steps`` Langevin steps at ``point``."""
        a = (interval.t.alpha / interval.s.alpha) ** 2
        for _ in range(self.n_steps):
            g, z = model(x, point).score, noise.fresh()
            eps = self.step_size(g, z, a, point)
            x = combine((1.0, x), (eps, g), (sqrt(2 * eps), z))
        return x

    def step_size(self, g: Tensor, z: Tensor, a: Scalar, point: GaussianPoint) -> Tensor:
        """eps of one corrector step, (B, 1, ...), from the norms of each sample."""
        ratio = _square_norm(z) / _square_norm(g).clamp(min=1e-30)
        return 2 * a * self.snr**2 * minimum(ratio, point.sigma**2)


def _square_norm(y: Tensor) -> Tensor:
    """|y|^2 of each sample, (B, 1, ...)."""
    return y.square().reshape(len(y), -1).sum(1).reshape(-1, *[1] * (y.dim() - 1))
