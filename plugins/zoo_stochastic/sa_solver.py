"""SA-Solver: stochastic Adams predictor and corrector with a noise level of one's choice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import Multistep, SolverCard, Source, Step, combine, option
from solvers_zoo.numerics import expm1, where
from solvers_zoo.numerics.exponential import exponential_weights
from solvers_zoo.solving import Held, Rule
from zoo_stochastic.multistep import held_x0

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, GaussianSDE, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


class SASolver(Multistep):
    r"""Polynomials through data predictions in the exact solution of the reverse SDE with level tau(t); r = 1 + tau^2.

        x_s   = sigma_s/sigma_t e^(-tau^2 h) x_t + alpha_s r int_0^h e^(-r (h - v)) P(v) dv + sigma_s sqrt(1 - e^(-2 tau^2 h)) z
        x_s^c = the same with the prediction at x_s as one more point of P, and the same z

    P goes through ``predictor`` points for x_s, and through ``corrector`` points, the one at s among them, for x_s^c (0: none).
    Predictions are made at x_s, once (PEC), and the last step is not corrected. With tau = 0 it is DDIM at orders 1 and 0, and
    UniPC-3 with bh1 at 3 and 4. tau(t) is ``tau`` where ``rho_min`` <= sigma/alpha <= ``rho_max``, else 0.
    """

    form = "x0"
    card = SolverCard(
        name="sa-solver",
        title="SA-Solver",
        family="stochastic",
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        memory=3,
        needs=("gaussian", "finite-end", "decreasing"),
        source=Source(
            authors="Xue et al. 2023",
            title="SA-Solver: Stochastic Adams Solver for Fast Sampling of Diffusion Models",
            arxiv="2309.05019",
            where="Algorithm 1, SA-Predictor and SA-Corrector; Appendix D for two points",
        ),
    )
    tau: float = option(1.0, help="noise level: 0 is the probability flow, 1 the reverse SDE", low=0.0)
    rho_min: float = option(0.0, help="smallest sigma/alpha of steps with noise", low=0.0)
    rho_max: float = option(math.inf, help="largest sigma/alpha of steps with noise", low=0.0)
    predictor: int = option(3, help="points of the predictor", low=1, high=4)
    corrector: int = option(4, help="points of the corrector, 0 for none", low=0, high=5)
    simple: bool = option(True, help="the paper's simple weights where P has two points, else exact ones")

    @property
    def deep(self) -> int:
        """What the predictor looks at, and the corrector of the step before."""
        return max(self.predictor, self.corrector - 1) if self.corrector else self.predictor - 1

    def depth(self, number: int, steps: int) -> int:
        """As many past predictions as the predictor uses."""
        return min(super().depth(number, steps), self.predictor - 1)

    def facts(self) -> SolverCard:
        """By orders and tau; a corrector of fewer points than the predictor lowers the order."""
        order, nominal = self._orders()
        card = replace(self.card, memory=self.deep, weak_order=min(order, 2))
        if not self.tau:
            return replace(card.noise_free(order, self._same()), nominal_order=nominal if self.deep else None)
        if self.rho_min == 0 and self.rho_max == math.inf:
            return replace(card, noise_level=self.tau)
        return replace(card, noise_level=None, strong_order=None)  # no one level

    def _orders(self) -> tuple[int, int]:
        """(as shipped, with exact history); the first step is of order 1, corrected to 2."""
        p, c = self.predictor, self.corrector
        nominal = min(c, p + 1) if c else p
        order = min(nominal, 3 if c else 2)
        return (min(order, 2), min(nominal, 2)) if self.lower_order_final and self.deep else (order, nominal)

    def _same(self) -> tuple[str, ...]:
        """On the flow: UniPC where the corrector has one point more than the predictor."""
        p, c = self.predictor, self.corrector
        rest = (
            f"order={p}, b={'bh1' if self.simple else 'vary'}, lower_order_final={str(self.lower_order_final).lower()}"
        )
        if c == p + 1:
            return (f"unipc({rest})",)
        return ("ddim",) if (p, c) == (1, 0) else (f"unip({rest})",) if c == 0 else ()

    def level(self, t: GaussianPoint) -> Any:
        """tau of the step from t."""
        return where((self.rho_min <= t.rho) & (t.rho <= self.rho_max), self.tau, 0.0)

    def held(self, t: GaussianPoint, s: GaussianPoint) -> Held:
        """The first-order step."""
        return held_x0(t, s, self.level(t) ** 2) if self.tau else super().held(t, s)

    def integral(self, nodes: Sequence[GaussianPoint], t: GaussianPoint, s: GaussianPoint) -> list[Scalar]:
        """Weights of the predictions at ``nodes``, one of them t or s, over the step from t to s."""
        level = self.level(t)
        if len(nodes) != 2 or not self.simple:
            return exponential_weights("x0", nodes, t, s, level)
        h, rate = s.lam - t.lam, 1 + level**2
        other = nodes[1] if nodes[0] is t else nodes[0]
        slope = s.alpha * rate * h / 2 * h / (other.lam - t.lam)
        return [slope if node is other else -s.alpha * expm1(-rate * h) - slope for node in nodes]

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """The weights of the predictor."""
        return self.integral(nodes, nodes[0], s)[1:]

    def gains(self, nodes: Sequence[GaussianPoint], used: int) -> list[Scalar]:
        """Corrector less predictor: weights of the predictions at start, ... of a step, nodes[0] being its end."""
        if not self.corrector:
            return []
        end, start, *older = nodes
        predicted = self.integral([start, *older[:used]], start, end)
        corrected = self.integral([end, start, *older][: self.corrector], start, end)[1:]
        return [c - p for c, p in zip_longest(corrected, predicted, fillvalue=0.0)]

    def correction(self, nodes: Sequence[GaussianPoint], used: int, sde: GaussianSDE) -> Sequence[Scalar]:
        """What the corrector changes of the step before."""
        return self.gains(nodes, used)


class _Both(NamedTuple):
    """What the predictor does in an interval, and what the corrector adds to it."""

    rule: Rule
    gains: list[Any]


class SASolverPECE(SASolver):
    r"""SA-Solver that predicts again at the corrected state: two evaluations a step, and the last step is corrected too.

    The corrector is added to the state that the predictor reached:

        x_s = x_s^p + sum_j d_j (D_j - D_s^p),    d_j = corrector's weight - predictor's,  D_s^p the prediction at x_s^p
    """

    card = replace(
        SASolver.card,
        name="sa-solver-pece",
        title="SA-Solver, PECE",
        evaluations=2,
        source=replace(SASolver.card.source, where="Algorithm 1 with a second evaluation (PECE)"),
    )
    corrector: int = option(4, help="points of the corrector", low=1, high=5)

    def _same(self) -> tuple[str, ...]:
        """Nothing else evaluates twice."""
        return ()

    def correction(self, nodes: Sequence[GaussianPoint], used: int, sde: GaussianSDE) -> Sequence[Scalar]:
        """None: every step corrects itself."""
        return ()

    def plan(self, grid: Grid, begun: int = 0) -> Sequence[Any]:
        """Every interval's predictor, and the gain of its corrector."""
        rules = super().plan(grid, begun)
        return [_Both(rule, self._gains_at(grid, i)) for i, rule in enumerate(rules)]

    def _gains_at(self, grid: Grid, i: int) -> list[Scalar]:
        known = [node for node in grid.points[i::-1][: self.deep + 1] if self.reaches(node)]
        return self.gains([grid[i + 1], *known], self.depth(i, grid.steps)) if known else []

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """Predict, evaluate, correct; two evaluations."""
        rule, gains = interval.plan
        predicted, history, _ = super().step(model, x, interval._replace(plan=rule), memory, noise)
        known = [(d, past.D) for d, past in zip(gains, history, strict=False)]
        end = model(predicted, interval.s)
        whole = sum(d for d, _ in known)
        return Step(combine((1.0, predicted), *end.terms(-whole, 0.0), *known), history)
