"""Gotta Go Fast: the reverse SDE with steps chosen by their error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import AdaptiveSteps, Draws, Noise, SolverCard, Source, State, Step, StepSolver, combine, option
from solvers_zoo.numerics import where
from solvers_zoo.solving import Attempt
from zoo_srk.clocks import CLOCKS

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Grid, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar

#: Length, as a part of the whole, below which the Brownian path may look smooth; steps in t span many more scales.
_RESOLUTION = {"lam": 2.0**-10, "t": 2.0**-20}


class GottaGoFast(AdaptiveSteps):
    r"""Euler-Maruyama and stochastic Heun with one increment: their difference is the error, and the better one goes on.

        y'  = y + h k(y, t) + g_t dB
        y'' = y + h/2 (k(y, t) + k(y', s)) + (g_t + g_s)/2 dB,      error = y'' - y'
        h  <- theta h err^(-r)

    dy = k du + g dB is Anderson's reverse SDE in the ``clock`` u (y = x, u = t as in the paper, or y = x/alpha, u = lam, where
    the linear drift is exact and steps are nearly equal), and dB the increment of one Brownian path a sample. A rejected
    step is tried again on that very path: drawn anew, as in the paper, an accepted step would prefer small increments.
    Everything is per sample; the norm is the root mean square of the error in units of atol + rtol max(|x|, |x''|), where the
    paper takes the larger of the two terms.
    """

    card = SolverCard(
        name="gotta-go-fast",
        title="Gotta Go Fast",
        family="srk",
        aliases=("ggf", "adaptive-sde"),
        evaluations=None,
        adaptive=True,
        affine=False,
        stochastic=True,
        noise_level=1,
        variable="lam",
        bias="of the size of its tolerance",
        needs=CLOCKS["lam"].needs,
        source=Source(
            authors="Jolicoeur-Martineau et al. 2021",
            title="Gotta Go Fast When Generating Data with Score-Based Models",
            arxiv="2105.14080",
            where="Algorithm 1",
        ),
    )
    rtol: float = option(0.05, help="tolerated error of a step, relative to the state (epsilon_rel)", low=0.0)
    atol: float = option(0.02, help="tolerated error of a step, absolute (epsilon_abs; 0.0078 for images)", above=0.0)
    clock: str = option(
        "lam", help="lam (half log-SNR, the linear part exact) or t (the paper's)", choices=tuple(CLOCKS)
    )
    pcoeff: float = option(0.0, help="P of the PID control, the weight of the error's last change")
    icoeff: float = option(0.9, help="I of the PID control, the weight of the error itself (r of the paper)", above=0.0)

    @property
    def stepper(self) -> StepSolver:
        """None: the attempt is its own."""
        raise NotImplementedError("Gotta Go Fast makes its own attempts")

    def facts(self) -> SolverCard:
        """What the clock needs."""
        return replace(self.card, variable=self.clock, needs=CLOCKS[self.clock].needs)

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Attempt steps along one Brownian path until every sample is at grid[-1]."""
        low, high = sorted(CLOCKS[self.clock].time(point) for point in (grid[0], grid[-1]))
        path = noise.path(low, high, (high - low) * _RESOLUTION[self.clock])
        return super().solve(model, x, grid, _Along(path.value), state)

    def attempt(self, model: ScoreModel, x: Tensor, grid: Grid, clocks: tuple[Any, Any], noise: Draws) -> Attempt:
        """One step of both methods."""
        clock, h = CLOCKS[self.clock], clocks[1] - clocks[0]
        t, s = (self.point(grid, u) for u in clocks)
        begin, end = clock.scale(t), clock.scale(s)
        dB, slope = noise.between(*clocks), clock.slope(model(x, t), 1.0)
        first = combine((end / begin, x), (end * h, slope), (end * clock.diffusion(t), dB))
        later = clock.slope(model(first, s), 1.0)
        half = end * (clock.diffusion(s) - clock.diffusion(t)) / 2
        error = combine((-end * h / 2, slope), (end * h / 2, later), (half, dB))
        return Attempt(Step(combine((1.0, first), (1.0, error)), error=error), power=1, evaluations=2)

    def _judge(self, *outcome: Any) -> Any:
        """As for any steps, but with four bits of h.

        A path is rough: a rounding in where it is asked becomes its square root in what it says, and so in the next step, until two
        runs that differ by nothing else have no step in common.
        """
        progress = super()._judge(*outcome)
        mantissa, exponent = progress.h.frexp()
        return progress._replace(h=(mantissa * 16).trunc().ldexp(exponent) / 16)


class _Along(Noise, Draws):
    """One path for all steps: ``between`` takes clocks, and gives the plain increment."""

    def __init__(self, value: Callable[[Scalar], Tensor]) -> None:
        self._value = value
        self._last: tuple[Any, ...] = ()

    def at(self, index: int) -> Draws:
        """Itself: what a step draws depends on where it lies alone."""
        return self

    def fresh(self) -> Tensor:
        """Nothing but the path is drawn from."""
        raise NotImplementedError

    def uniform(self) -> Tensor:
        """Nothing but the path is drawn from."""
        raise NotImplementedError

    def between(self, t: Any, s: Any, area: bool = False) -> Any:
        """B(s) - B(t)."""
        before, after = self._known(t), self._value(s)
        self._last = t, before, s, after
        return after - before

    def _known(self, u: Scalar) -> Tensor:
        """B(u): an attempt begins where the last one began or ended, and a value costs a walk down a tree."""
        if self._last:
            t, before, s, after = self._last
            if bool(((u == t) | (u == s)).all()):
                return where(u == s, after, before)
        return self._value(u)
