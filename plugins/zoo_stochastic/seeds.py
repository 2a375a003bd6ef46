"""SEEDS-2 and SEEDS-3: single-step exponential solvers of the reverse SDE."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import OptionError, SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import exp, expm1, sqrt
from solvers_zoo.numerics.exponential import exponential_weights
from solvers_zoo.solving import Held, each_interval
from zoo_stochastic.multistep import held_x0

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, GaussianSDE, Grid, Interval, Prediction, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


class Target(NamedTuple):
    """A point to be reached from t, of time m or s."""

    point: Any
    held: Held
    """The step for constant x0."""
    weights: Sequence[Any]
    """Of the changes of x0 at the stages before."""
    bridge: tuple[Any, Any]
    """Unit noise here is bridge[0] times that of the next target, and bridge[1] times a fresh one."""


class SEEDS(StepSolver):
    """Stages on one path of the exact solution for constant x0, and weights for what x0 does there."""

    eta: float = option(1.0, help="noise level squared: 0 is the probability flow, 1 the reverse SDE", low=0.0)

    def facts(self) -> SolverCard:
        """The noise level that eta makes; at eta = 0 a solver of the flow."""
        return replace(self.card, noise_level=self.eta**0.5) if self.eta else self.quiet()

    @abstractmethod
    def quiet(self) -> SolverCard:
        """The card at eta = 0."""

    @abstractmethod
    def stages(self, sde: GaussianSDE, t: GaussianPoint, s: GaussianPoint) -> list[tuple[Any, Sequence[Any]]]:
        """(point, weights) of every stage and of s: weights of x0 at the stages before, less x0 at t."""

    def plan(self, grid: Grid) -> Sequence[list[Target]]:
        """The targets of every interval."""
        sde = grid.sde.as_gaussian()
        return each_interval(lambda t, s: self._targets(sde, t, s), grid)

    def _targets(self, sde: GaussianSDE, t: GaussianPoint, s: GaussianPoint) -> list[Target]:
        stages = self.stages(sde, t, s)
        ends = [*(point for point, _ in stages[1:]), None]
        return [
            Target(point, held_x0(t, point, self.eta), w, self._bridge(t, point, after))
            for (point, w), after in zip(stages, ends, strict=True)
        ]

    def _bridge(self, t: GaussianPoint, m: GaussianPoint, s: GaussianPoint) -> tuple[Scalar, Scalar]:
        """corr(U_m, U_s) = c, and sqrt(1 - c^2).

        The noise of the exact solution at m, N_m = sigma_m sqrt(1 - e^(-2 eta (lam_m - lam_t))) U_m, is carried to s as
        N_s/sigma_s = e^(-eta (lam_s - lam_m)) N_m/sigma_m + independent noise.
        """
        if s is None or not self.eta:
            return 0.0, 1.0
        gone, left = 2 * self.eta * (m.lam - t.lam), 2 * self.eta * (s.lam - m.lam)
        whole = expm1(-(gone + left))
        return sqrt(exp(-left) * expm1(-gone) / whole), sqrt(expm1(-left) / whole)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, one evaluation a stage."""
        targets: list[Target] = interval.plan
        units = self._units(interval, targets, noise) if self.eta else []
        now = model(x, interval.t)
        told: list[Prediction] = []
        for index, (_, held, w, _) in enumerate(targets):
            if index:
                told.append(model(x, targets[index - 1].point))
            terms = [*now.terms(held.R - sum(w), held.S)]
            for w_j, prediction in zip(w, told, strict=True):
                terms += prediction.terms(w_j, 0.0)
            x = combine(*terms, (held.c, units[index])) if self.eta else combine(*terms)
        return Step(x)

    def _units(self, interval: Interval, targets: Sequence[Target], noise: Draws) -> list[Tensor]:
        """The unit noises of the targets, drawn from the end, as the chain is Markov: the first is the step's own."""
        units = [noise.between(interval.t, interval.s)]
        for target in reversed(targets[:-1]):
            c, rest = target.bridge
            units.insert(0, combine((c, units[0]), (rest, noise.fresh())))
        return units


class SEEDS2(SEEDS):
    r"""A stage at lam_m = lam_t + r h, and the step with x0 corrected by what it was there; h = lam_s - lam_t.

        x_m = alpha_m x0_t + sigma_m e^(-eta r h) eps_t + sigma_m sqrt(1 - e^(-2 eta r h)) U_m
        x_s = alpha_s x0_t + sigma_s e^(-eta h) eps_t + w (x0_m - x0_t) + sigma_s sqrt(1 - e^(-2 eta h)) U
        w   = alpha_s (1 - e^(-(1 + eta) h)) / (2 r)

    U_m and U are noises of one path of the exact solution: corr^2 = e^(-2 eta (1 - r) h) (1 - e^(-2 eta r h)) / (1 - e^(-2 eta h)). At
    eta = 0 it is DPM-Solver++(2S).
    """

    card = SolverCard(
        name="seeds-2",
        title="SEEDS-2",
        family="stochastic",
        evaluations=2,
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=Source(
            authors="Gonzalez et al. 2023",
            title="SEEDS: Exponential SDE Solvers for Fast High-Quality Sampling from Diffusion Models",
            arxiv="2305.14267",
            where="the algorithm SEEDS-2, for the data prediction",
        ),
    )
    r: float = option(0.5, help="place of the stage, as a fraction of the step in lam", above=0.0, high=1.0)

    def quiet(self) -> SolverCard:
        """DPM-Solver++(2S) with the same stage."""
        return self.card.noise_free(2, (f"dpmpp-2s(r1={self.r})",))

    def stages(self, sde: GaussianSDE, t: GaussianPoint, s: GaussianPoint) -> list[tuple[Any, Sequence[Any]]]:
        """One stage, at r, and the end of the step."""
        h = s.lam - t.lam
        middle = s if self.r == 1 else sde.at_lam(t.lam + self.r * h)
        return [(middle, ()), (s, (-s.alpha * expm1(-(1 + self.eta) * h) / (2 * self.r),))]


class SEEDS3(SEEDS):
    r"""Two stages, at lam_i = lam_t + r_i h, and D = x0; b are the exact weights of lines, with rate 1 + eta.

        x_1 = step of SEEDS-1 to lam_1
        x_2 = step of SEEDS-1 to lam_2 + alpha_2 (r2/r1) (1 + eta) r2 h phi_2(-(1 + eta) r2 h) (D_1 - D_t)
        x_s = step of SEEDS-1 to lam_s + alpha_s (1/r2) (1 + eta) h phi_2(-(1 + eta) h) (D_2 - D_t)

    The noises of the three are those of one path of the exact solution. At eta = 0 it is DPM-Solver++(3S), of order 3 at r2 = 2/3.
    """

    card = replace(
        SEEDS2.card,
        name="seeds-3",
        title="SEEDS-3",
        evaluations=3,
        source=replace(SEEDS2.card.source, where="the algorithm SEEDS-3, for the data prediction"),
    )
    r1: float = option(1 / 3, help="place of the first stage, a fraction of the step in lam", above=0.0, high=1.0)
    r2: float = option(2 / 3, help="place of the second stage", above=0.0, high=1.0)

    def check(self) -> None:
        """The first stage must lie before the second."""
        if not self.r1 < self.r2:
            raise OptionError(f"seeds-3: r1 = {self.r1:g} must lie below r2 = {self.r2:g}.")

    def quiet(self) -> SolverCard:
        """DPM-Solver++(3S) with the same stages."""
        order = 3 if abs(self.r2 - 2 / 3) < 1e-9 else 2
        return self.card.noise_free(order, (f"dpmpp-3s(r1={self.r1}, r2={self.r2})",))

    def stages(self, sde: GaussianSDE, t: GaussianPoint, s: GaussianPoint) -> list[tuple[Any, Sequence[Any]]]:
        """Two stages, at r1 and r2, and the end of the step."""
        h, level = s.lam - t.lam, self.eta**0.5
        one = sde.at_lam(t.lam + self.r1 * h)
        two = s if self.r2 == 1 else sde.at_lam(t.lam + self.r2 * h)
        to_two = exponential_weights("x0", [t, one], t, two, level)[1]
        return [(one, ()), (two, (to_two,)), (s, (0.0, exponential_weights("x0", [t, two], t, s, level)[1]))]
