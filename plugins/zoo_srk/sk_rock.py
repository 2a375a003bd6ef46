"""SK-ROCK: a stabilised explicit method, whose stages buy stability instead of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import absolute, sqrt
from zoo_srk.clocks import CLOCKS

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel


class Chebyshev(NamedTuple):
    """The coefficients of s stages, of the first and then of every later one, and the place of each stage in the step."""

    first: tuple[float, float, float]
    """mu_1, nu_1, kappa_1."""
    later: Sequence[tuple[float, float]]
    """mu_i and nu_i; kappa_i = 1 - nu_i."""
    c: Sequence[float]
    """Of K_0 = y, K_1, ..., K_s; the last is 1."""

    @classmethod
    def of(cls, s: int, damping: float) -> Chebyshev:
        """Of ``s`` stages: with T_i Chebyshev's polynomials, w0 = 1 + damping/s^2 and w1 = T_s(w0)/T_s'(w0)."""
        w0 = 1 + damping / s**2
        T, dT = [1.0, w0], [0.0, 1.0]
        for i in range(2, s + 1):
            T.append(2 * w0 * T[-1] - T[-2])
            dT.append(2 * T[i - 1] + 2 * w0 * dT[-1] - dT[-2])
        w1 = T[s] / dT[s]
        mu, c = w1 / w0, [0.0, w1 / w0]
        later = [(2 * w1 * T[i - 1] / T[i], 2 * w0 * T[i - 1] / T[i]) for i in range(2, s + 1)]
        for mu_i, nu_i in later:
            c.append(mu_i + nu_i * c[-1] + (1 - nu_i) * c[-2])
        return cls((mu, s * w1 / 2, s * mu), later, c)


class SKROCK(StepSolver):
    r"""Chebyshev's recurrence on the reverse SDE dy = k du + g dB, with the noise Q = g sqrt(h) W put in at its start.

        K_1 = y + mu_1 h k(y + nu_1 Q) + kappa_1 Q
        K_i = mu_i h k(K_(i-1)) + nu_i K_(i-1) + kappa_i K_(i-2),     i = 2, ..., s;     y_s = K_s

    Stable for h |dk/dy| up to about (2 - 4/3 damping) s^2, where s steps of Euler-Maruyama reach 2 s; weak order 1. The noise
    ends with weight 1 whatever s. Where a trained model is stiff at small noise this is the explicit way out.
    """

    card = SolverCard(
        name="sk-rock",
        title="SK-ROCK",
        family="srk",
        aliases=("skrock",),
        evaluations=5,
        weak_order=1,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        needs=CLOCKS["lam"].needs,
        source=Source(
            authors="Abdulle, Almuslimani & Vilmart 2018",
            title="Optimal explicit stabilized integrator of weak order 1 for stiff and ergodic stochastic differential equations",
            arxiv="1708.08145",
            where="Section 3, the SK-ROCK method",
        ),
    )
    stages: int = option(5, help="stages, s", low=1, high=200)
    damping: float = option(0.05, help="damping of the stability domain, eta", above=0.0, high=10.0)
    clock: str = option(
        "lam", help="lam (half log-SNR, the linear part exact) or t (any process)", choices=tuple(CLOCKS)
    )
    level: float = option(1.0, help="noise level of the reverse SDE: 1 is Anderson's", above=0.0)

    def facts(self) -> SolverCard:
        """Cost, variable, needs and noise level as the options make them."""
        needs = CLOCKS[self.clock].needs
        return replace(self.card, evaluations=self.stages, variable=self.clock, needs=needs, noise_level=self.level)

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> tuple[object, ...]:
        """The stages' points, the step, and the noise of the interval, with g the mean of both ends."""
        clock, T = CLOCKS[self.clock], Chebyshev.of(self.stages, self.damping)
        h = clock.time(s) - clock.time(t)
        between = [clock.point(grid.sde, clock.time(t) + c * h) for c in T.c[1:-1]]
        return T, [t, *between, s], h, self.level * sqrt(absolute(h)) * (clock.diffusion(t) + clock.diffusion(s)) / 2

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, s evaluations. States are those of K times the scale of its point."""
        clock, (T, points, h, q) = CLOCKS[self.clock], interval.plan
        t, W = points[0], noise.between(interval.t, interval.s)
        mu, nu, kappa = T.first

        def carried(i: int, j: int) -> Any:  # from the scale of stage j to that of stage i
            return clock.scale(points[i]) / clock.scale(points[j])

        def moved(
            i: int, mu: float, state: Tensor
        ) -> tuple[Any, Tensor]:  # mu h k of the stage before, in the scale of stage i
            return clock.scale(points[i]) * mu * h, clock.slope(model(state, points[i - 1]), self.level)

        before = x
        start = combine((1.0, x), (clock.scale(t) * nu * q, W))
        now = combine((carried(1, 0), x), moved(1, mu, start), (clock.scale(points[1]) * kappa * q, W))
        for i, (mu, nu) in enumerate(T.later, 2):
            new = combine((carried(i, i - 1) * nu, now), (carried(i, i - 2) * (1 - nu), before), moved(i, mu, now))
            before, now = now, new
        return Step(now)
