"""DPM-Solver-v3: multistep in the parametrisation that statistics of the model make nearly constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import Past, SolverCard, Source, Step, StepSolver, combine, option, remember
from solvers_zoo.numerics import exp
from solvers_zoo.numerics.interpolation import GAUSS, weights
from zoo_dpm.statistics import OneGaussian, Table, Values, load_statistics

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar

#: An interval is integrated in so many pieces.
_PIECES = 8


class Rule(NamedTuple):
    """x_s = R x0 + S eps + sum_j later_j f_j + constant."""

    R: Scalar
    S: Scalar
    later: Sequence[Any]
    constant: Scalar


class Linear(NamedTuple):
    """The same before it is put together: x_s = carry x_t + sum_j c_j f_j + constant, with f_j of point j."""

    carry: Scalar
    c: dict[int, Any]
    constant: Scalar


class Plan(NamedTuple):
    """One interval's numbers: f = p x0 + q eps at t, the rule, and the one without history."""

    p: Scalar
    q: Scalar
    rule: Rule
    alone: Rule


class DPMSolverV3(StepSolver):
    r"""Interpolate what is left of the noise prediction when its linear part in x and its drift in lam are taken out.

        y = x/alpha,    dy/dlam = -(sigma/alpha) eps = -l y - f,    f = (sigma eps - l x) / alpha
        f(lam) = e^(S(lam) - S_t) g(lam) + e^(S(lam)) (B(lam) - B_t)

        x_s = alpha_s/alpha_t e^(L_t - L_s) x_t - alpha_s e^(-L_s) int e^L f dlam,    g a polynomial through its known values

    l, s and b are functions of lam that make g vary least: l the mean diagonal of sigma d eps/dx, and f' = s f + b as well as may
    be; L, S and B are the integrals of l, s and e^-S b. With l = 1, s = b = 0 it is DPM-Solver++ with exact integrals. They
    come from ``statistics``: in closed form for one Gaussian, on which the solver is then exact, or from a file that
    zoo_dpm.statistics.measure_statistics made. ``order`` values of g are interpolated. The ``corrector`` repeats a step with the
    value at its end, at no further evaluation: one order more. (The paper's "pseudo-order" variants are not here.)
    """

    card = SolverCard(
        name="dpm-solver-v3",
        title="DPM-Solver-v3",
        family="dpm",
        order=3,
        nominal_order=4,
        variable="lam",
        memory=3,
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Zheng et al. 2023",
            title="DPM-Solver-v3: Improved Diffusion ODE Solver with Empirical Model Statistics",
            arxiv="2310.13268",
            where="eq. (8) and Figure 2, and its code dpm_solver_v3.py",
        ),
    )
    order: int = option(3, help="order of the predictor", low=1, high=3)
    corrector: bool = option(True, help="correct every step but the last, from the next one's evaluation")
    statistics: str = option("gaussian", help="'gaussian', or the .npz file of measured statistics")
    data_std: float = option(1.0, help="standard deviation of the data that statistics=gaussian assumes", above=0.0)

    def facts(self) -> SolverCard:
        """Order p, or p + 1 with the corrector; the first step, of one order less, costs what exceeds 2, or 3 with it."""
        nominal = self.order + self.corrector
        order = min(nominal, 2 + self.corrector)
        return replace(self.card, order=order, nominal_order=nominal, memory=nominal - 1)

    def _source(self) -> OneGaussian | Table:
        return OneGaussian(self.data_std) if self.statistics == "gaussian" else load_statistics(self.statistics)

    def plan(self, grid: Grid) -> Sequence[Plan]:
        """Every interval's numbers."""
        source, points = self._source(), grid.points
        known = [source(point.lam) for point in points]
        plans: list[Plan] = []
        before = None
        for i in range(grid.steps):
            step = self._linear(source, points, known, i, range(i, max(i - self.order, -1), -1))
            alone = self._linear(source, points, known, i, [i])
            whole = step
            if self.corrector and before is not None:
                better = self._linear(source, points, known, i - 1, range(i, max(i - 1 - self.order, -1), -1))
                whole = _corrected(step, before, better)
            before, t = step, points[i]
            p, q = -known[i].l, t.rho * (1 - known[i].l)  # f = (sigma eps - l x) / alpha
            plans.append(Plan(p, q, *(_rule(linear, i, t, p, q) for linear in (whole, alone))))
        return plans

    @staticmethod
    def _linear(
        source: OneGaussian | Table,
        points: Sequence[GaussianPoint],
        known: Sequence[Values],
        i: int,
        nodes: Sequence[int],
    ) -> Linear:
        """The step from point i to the next, with g through its values at ``nodes``."""
        t, s, at = points[i], points[i + 1], known[i]
        h = s.lam - t.lam
        moments: list[Scalar] = [0.0] * len(nodes)
        drift: Scalar = 0.0
        for piece in range(_PIECES):
            for u, w in GAUSS:
                v = (piece + u) / _PIECES
                value = source(t.lam + v * h)
                density = w / _PIECES * exp(value.L - at.L + value.S - at.S)
                moments = [m + density * v**k for k, m in enumerate(moments)]
                drift = drift + density * (value.B - at.B)
        decay = exp(at.L - known[i + 1].L)
        scale = -s.alpha * h * decay
        omega = weights([(points[j].lam - t.lam) / h for j in nodes], moments)
        drift = drift - sum(w * (known[j].B - at.B) for j, w in zip(nodes, omega, strict=True))
        c = {j: scale * w * exp(at.S - known[j].S) for j, w in zip(nodes, omega, strict=True)}
        return Linear(s.alpha / t.alpha * decay, c, scale * exp(at.S) * drift)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, one evaluation."""
        t, (p, q, rule, alone) = interval.t, interval.plan
        now = model(x, t)
        R, S, later, constant = rule if memory else alone
        if type(p) is not float:  # statistics from a file: tensors, made on the CPU
            p, q, R, S, constant = (c.to(x.device) for c in (p, q, R, S, constant))
            later = [w.to(x.device) for w in later]
        terms = [*now.terms(R, S), *((w, past.D) for w, past in zip(later, memory or (), strict=False))]
        if type(constant) is not float or constant:
            terms.append((constant, x.new_ones(()).expand_as(x)))
        return Step(combine(*terms), remember(Past(t.t, t.lam, now.mix(p, q)), memory, self.facts().memory))


def _corrected(step: Linear, before: Linear, better: Linear) -> Linear:
    """A step from where ``better`` leads instead of ``before``: carry times their difference is added."""
    carry, c, constant = step
    c = {j: c.get(j, 0.0) + carry * (w - before.c.get(j, 0.0)) for j, w in better.c.items()}
    return Linear(carry, {**step.c, **c}, constant + carry * (better.constant - before.constant))


def _rule(linear: Linear, i: int, t: GaussianPoint, p: Scalar, q: Scalar) -> Rule:
    """With x_t and f_t written in x0 and eps."""
    carry, c, constant = linear
    later = [c[j] for j in sorted(c, reverse=True) if j != i]
    return Rule(carry * t.alpha + c[i] * p, carry * t.sigma + c[i] * q, later, constant)
