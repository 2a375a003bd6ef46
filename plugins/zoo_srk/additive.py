"""Stochastic Runge-Kutta methods for additive noise: one class for every tableau."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import absolute, sqrt
from zoo_srk.clocks import CLOCKS

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar

_TOLERANCE = 1e-12


@dataclass(frozen=True)
class AdditiveTableau:
    r"""The numbers of a method for dy = k(y, u) du + g(u) dB with additive noise.

        k_i = k(y + h sum_j A_ij k_j + g(u + e h) sqrt(h) (w_i W + a_i H), u + c_i h)
        y_s = y + h sum_i b_i k_i + sqrt(h) sum_m g(u + n_m h) (p_m W + q_m H)

    W ~ N(0, 1) is the increment and H ~ N(0, 1/12) the space-time Levy area of the step, so the path's mean over the step is
    W/2 + H. The conditions, with sums over stages weighted by b:

        strong 1     sum b = 1, sum p = 1, sum q = 0
        strong 1.5   sum b c = 1/2,  sum b w = 1/2,  sum b a = 1,  sum b (w^2 + a^2/12) = 1/2,  sum p n = 1/2,  sum q n = -1
        weak 2       the same but for a and q: the area need not be there

    (Roessler 2010, theorem 5.1 on SRA methods, where I_10/h = sqrt(h) (W/2 + H); the noise's last conditions are the first two
    moments of int g dB and int B du g'.)

    Raises:
        ValueError: fields of different lengths, or not even strong order 1.

    """

    A: Sequence[Sequence[float]]
    b: Sequence[float]
    c: Sequence[float]
    w: Sequence[float]
    a: Sequence[float]
    noise: Sequence[tuple[float, float, float]]
    """Triples (n, p, q) of the noise."""
    e: float = 0.0
    """Where in the step the stages take g."""

    def __post_init__(self) -> None:
        stages = len(self.b)
        if [len(row) for row in self.A] != list(range(stages)) or {len(v) for v in (self.c, self.w, self.a)} != {
            stages
        }:
            raise ValueError(f"Row i of A has i entries, and c, w, a have one a stage: {self}.")
        if any(abs(sum(row) - c) > _TOLERANCE for row, c in zip(self.A[1:], self.c[1:], strict=True)):
            raise ValueError(f"The rows of A do not sum to c: {self}.")
        if self.strong_order < 1:
            raise ValueError(f"Weights that do not sum to 1, or areas that do not sum to 0: {self}.")

    @property
    def area(self) -> bool:
        """Whether it asks for the space-time Levy area."""
        return any(self.a) or any(q for _, _, q in self.noise)

    @property
    def strong_order(self) -> float:
        """1.5, 1 or, if inconsistent, 0."""
        n, p, q = zip(*self.noise, strict=True)
        if _off(self.b, 1) or _off(p, 1) or _off(q, 0):
            return 0
        path = _off(_times(self.b, self.a), 1) or _off(_times(q, n), -1)
        return 1 if path or not self._second else 1.5

    @property
    def weak_order(self) -> float:
        """2 or 1."""
        return 2 if self._second else 1

    @property
    def _second(self) -> bool:
        """The conditions for the drift's second order and for the moments of the noise in it."""
        n, p, _ = zip(*self.noise, strict=True)
        variances = [w**2 + a**2 / 12 for w, a in zip(self.w, self.a, strict=True)]
        halves = (_times(self.b, self.c), _times(self.b, self.w), _times(self.b, variances), _times(p, n))
        return not any(_off(products, 1 / 2) for products in halves)


def _times(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [x * y for x, y in zip(a, b, strict=True)]


def _off(values: Sequence[float], due: float) -> bool:
    return abs(math.fsum(values) - due) > _TOLERANCE


class _Plan(NamedTuple):
    """One interval's numbers: the point of every stage, the step, sqrt(h) g for the stages, and (W, H) of the result."""

    points: Sequence[GaussianPoint]
    h: Scalar
    kick: Scalar
    W: Scalar
    H: Scalar


class AdditiveSRK(StepSolver):
    r"""One tableau on the reverse SDE with noise ``level`` l, in either clock; g depends on the clock alone, so noise is additive.

        t     dx = [f x - (1 + l^2)/2 g^2 score] dt + l g dB                on any process
        lam   dy = -(1 + l^2) rho eps dlam + sqrt(2) l rho dB,  y = x/alpha, rho = sigma/alpha

    In ``lam`` the linear drift is exact, and B is the very path that `Draws.between` gives the increments of. Those of a Gaussian
    process in ``t`` are of another weight within the step, so that no area can bring more than strong order 1 along that path;
    the law is the same. Ito and Stratonovich are the same here, and Milstein's correction is zero.
    """

    tableau: ClassVar[AdditiveTableau]
    clock: str = option(
        "lam", help="lam (half log-SNR, the linear part exact) or t (any process)", choices=tuple(CLOCKS)
    )
    level: float = option(1.0, help="noise level of the reverse SDE: 1 is Anderson's", above=0.0)

    def facts(self) -> SolverCard:
        """Variable, needs and noise level as the options make them."""
        strong = self.card.strong_order if self.clock == "lam" else 1
        return replace(
            self.card, variable=self.clock, needs=CLOCKS[self.clock].needs, noise_level=self.level, strong_order=strong
        )

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> _Plan:
        """The stages' points and the noise of the interval."""
        T, clock = self.tableau, CLOCKS[self.clock]
        begin, h = clock.time(t), clock.time(s) - clock.time(t)
        points = {0.0: t, 1.0: s}

        def at(c: float) -> Any:
            if c not in points:
                points[c] = clock.point(grid.sde, begin + c * h)
            return points[c]

        root = self.level * sqrt(absolute(h))
        W = sum(clock.diffusion(at(n)) * p for n, p, _ in T.noise)
        H = sum(clock.diffusion(at(n)) * q for n, _, q in T.noise)
        return _Plan([at(c) for c in T.c], h, root * clock.diffusion(at(T.e)), root * W, root * H)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, an evaluation a stage."""
        T, clock = self.tableau, CLOCKS[self.clock]
        t, s, plan, _ = interval
        drawn = noise.between(t, s, area=True) if T.area else (noise.between(t, s),)
        slopes: list[Tensor] = []
        for point, row, w, a in zip(plan.points, T.A, T.w, T.a, strict=True):
            scale = clock.scale(point)
            terms = [
                (scale / clock.scale(t), x),
                *((scale * plan.h * c, k) for c, k in zip(row, slopes, strict=True) if c),
            ]
            terms += [(scale * plan.kick * c, z) for c, z in zip((w, a), drawn, strict=False) if c]
            state = x if len(terms) == 1 and point is t else combine(*terms)
            slopes.append(clock.slope(model(state, point), self.level))
        scale = clock.scale(s)
        terms = [(scale / clock.scale(t), x), *((scale * plan.h * b, k) for b, k in zip(T.b, slopes, strict=True) if b)]
        return Step(combine(*terms, *((scale * c, z) for c, z in zip((plan.W, plan.H), drawn, strict=False))))


def additive_card(
    name: str, title: str, tableau: AdditiveTableau, source: Source, aliases: tuple[str, ...] = ()
) -> SolverCard:
    """The card of a tableau; its orders and cost are read off the numbers."""
    return SolverCard(
        name=name,
        title=title,
        family="srk",
        aliases=aliases,
        evaluations=len(tableau.b),
        weak_order=tableau.weak_order,
        strong_order=tableau.strong_order,
        stochastic=True,
        noise_level=1,
        variable="lam",
        needs=CLOCKS["lam"].needs,
        source=source,
    )
