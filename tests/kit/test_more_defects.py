"""Defects that show only on some inputs: shapes, processes, directions, laws, error estimates, tolerances."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from test_defects import Ancestral, Euler, TwoStep, card

from solvers_zoo import Interval, Solver, State, Step, StepSolver, combine, option
from solvers_zoo.numerics import sqrt
from solvers_zoo.testing import conform


class TwoOrders(Euler):
    card = card(stochastic=True)


class FlatOnly(Euler):
    def step(self, model, x, interval, memory, noise):
        if x.dim() > 2:
            return Step(x)
        return super().step(model, x, interval, memory, noise)


class NeedsGaussian(Euler):
    card = card(needs=())  # and calls mix(), which has no meaning elsewhere


class AlphaIsOne(Euler):
    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        return Step(combine((s.sigma / t.sigma, x), (1 - s.sigma / t.sigma, model(x, t).x0)))  # true on EDM alone


class OneWay(Euler):
    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        h = abs(s.rho - t.rho)
        return Step(combine((s.alpha / t.alpha, x), (-s.alpha * h, model(x, t).eps)))


class HalvesTheOrder(TwoStep):
    card = card(order=2, nominal_order=3, memory=1, needs=("gaussian", "finite-lam"))


class SquaresTheNoise(Ancestral):
    card = replace(Ancestral.card, weak_order=None, strong_order=None, affine=False, bias="", noise_level=None)

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        c = self.size(t, s)
        z = noise.between(t, s)
        z = z + 0.7 * (z * z - 1)  # skewed, and of too large a variance
        return Step(combine((1.0, model(x, t).mix(s.alpha, sqrt(s.sigma**2 - c**2))), (c, z)))


class Heunlike(StepSolver):
    """Right: y_s = y_t + h (k1 + k2)/2 with the error h (k2 - k1)/2 of Euler beside it, in rho = sigma/alpha."""

    card = card(order=2, evaluations=2, needs=("gaussian", "finite-lam"))

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        h = s.rho - t.rho
        k1 = model(x, t).eps
        k2 = model(combine((s.alpha / t.alpha, x), (s.alpha * h, k1)), s).eps
        end = combine((s.alpha / t.alpha, x), (s.alpha * h / 2, k1), (s.alpha * h / 2, k2))
        return Step(end, error=self.error(s.alpha * h / 2, k1, k2))

    def error(self, c, k1, k2):
        return combine((c, k2), (-c, k1))


class WrongEstimate(Heunlike):
    def error(self, c, k1, k2):
        return combine((c, k2))


class SmallEstimate(Heunlike):
    def error(self, c, k1, k2):
        return combine((1e-3 * c, k2), (-1e-3 * c, k1))


class Careful(Solver):
    """Right: enough equal steps of Heun's rule, y_s = y_t + h (k1 + k2)/2, that the tolerance is met."""

    card = card(order=None, evaluations=None, adaptive=True, needs=("gaussian", "finite-lam"))
    rtol: float = option(1e-3, help="relative tolerance", above=0.0)

    def solve(self, model, x, grid, noise, state=None):
        state, inner = state or State(0, grid[0], x), Heunlike()
        for index in range(state.index, grid.steps):
            parts = self.parts()
            lams = [grid[index].lam + (grid[index + 1].lam - grid[index].lam) * i / parts for i in range(parts + 1)]
            points = [grid[index], *map(grid.sde.at_lam, lams[1:-1]), grid[index + 1]]
            x = state.x
            for t, s in pairwise(points):
                x = inner.step(model, x, Interval(t, s), None, noise).x
            state = State(index + 1, grid[index + 1], x)
            yield state

    def parts(self):
        return max(2, round(0.5 * self.rtol**-0.5))


class Careless(Careful):
    def parts(self):
        return 2


class Chain(StepSolver):
    """Right: x <- x + eps/2 score + sqrt(eps) z at the last time, whose variance settles at v / (1 - eps/(4 v))."""

    card = card(
        order=None,
        stochastic=True,
        stationary=True,
        bias="the variance settles at v / (1 - eps/(4 v))",
        needs=("gaussian",),
    )
    eps: float = option(0.1, help="step size", above=0.0)

    def plan(self, grid):
        return [grid[-1]] * grid.steps

    def stationary_variance(self, variance, grid):
        return variance / (1 - self.eps / (4 * variance))

    def step(self, model, x, interval, memory, noise):
        score = model(x, interval.plan).score
        return Step(combine((1.0, x), (self.eps / 2, score), (self.kick(), noise.fresh())))

    def kick(self):
        return sqrt(self.eps)


class WeakKick(Chain):
    def kick(self):
        return 0.9 * sqrt(self.eps)


class DeadSwitch(Euler):
    """x_s = alpha_s x0 + sigma_s eps."""

    careful: bool = option(False, help="does nothing")


DEFECTS = [
    (TwoOrders, "claims"),
    (FlatOnly, "shapes"),
    (NeedsGaussian, "drift-only"),
    (AlphaIsOne, "processes"),
    (AlphaIsOne, "order-gaussian"),
    (AlphaIsOne, "order-transport"),
    (OneWay, "encoding"),
    (HalvesTheOrder, "order-exact-history"),
    (SquaresTheNoise, "marginal"),
    (WrongEstimate, "error-estimate"),
    (SmallEstimate, "error-estimate"),
    (Careless, "tolerance"),
    (WeakKick, "bias"),
    (DeadSwitch, "settings"),
]


@pytest.mark.parametrize("solver", [Heunlike, Careful, Chain])
def test_the_right_ones_pass(solver):
    report = conform(solver)
    assert report.ok, str(report)


@pytest.mark.parametrize(("solver", "check"), DEFECTS, ids=[f"{s.__name__}-{c}" for s, c in DEFECTS])
def test_a_defect_is_caught_by_its_check(solver, check):
    assert conform(solver, checks=[check]).failures
