r"""Multistep methods: one evaluation a step, and what earlier steps were told.

All of them, deterministic or stochastic, predictor or predictor-corrector, take the same step,

    x_s = R x0 + S eps + sum_(j>=1) w_j (D_j - D_0) + c z,

with x0 and eps of the prediction at t, D_0 that prediction in the form that the method interpolates (x0, eps, v or flow),
D_1, D_2, ... the same at the times before, and z the noise of the step. R x0 + S eps is what the method does if D does not
change: for the probability flow the exact solution alpha_s x0 + sigma_s eps, DDIM's step, whatever the form. What is left
for a method to say is ``weights``: how the change of D is extrapolated.

A corrector fits in as well. Predicted and corrected state differ by the weights alone,

    x_t^c = x_t + sum_(j>=1) d_j (D_j - D_0),    d_j = corrector's weight - predictor's,

and the next step starts from it as carry x_t^c: so d_j, multiplied by carry, is added to w_j. No state has to be kept
for it, and the last step, whose end is never evaluated, is not corrected.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from solvers_zoo.numerics.combine import combine
from solvers_zoo.numerics.scalar import divide
from solvers_zoo.processes.prediction import FORMS
from solvers_zoo.registry.options import option
from solvers_zoo.solving.columns import LEAST, column, rows
from solvers_zoo.solving.stepping import Past, Step, StepSolver, remember

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint, GaussianSDE
    from solvers_zoo.processes.prediction import Prediction
    from solvers_zoo.registry.card import SolverCard
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Interval
    from solvers_zoo.time_grids.base import Grid


class Held(NamedTuple):
    """The step if the prediction does not change: x_s = R x0 + S eps + c z. The state itself is carried with factor ``carry``."""

    R: Scalar
    S: Scalar
    carry: Scalar
    c: Scalar = 0.0


class Rule(NamedTuple):
    """One interval's numbers: x_s = R x0 + S eps + sum_j weights_j D_j (past ones, newest first) + c z."""

    R: Scalar
    S: Scalar
    weights: Sequence[Scalar]
    c: Scalar


class Multistep(StepSolver):
    """The step of this module. A method says which ``form`` it interpolates, how ``deep`` it looks back, and its ``weights``.

    ``nodes`` is always the points where D is known, newest first: t itself, then those before it.
    """

    form: ClassVar[str]
    """What is remembered: ``x0``, ``eps``, ``v`` or ``flow``."""
    lower_order_final: bool = option(False, help="lower the order step by step at the end of the grid, for few steps")

    @property
    def deep(self) -> int:
        """Past predictions looked at, once there are so many."""
        return self.card.memory

    def facts(self) -> SolverCard:
        """A last step of order 1 has an error of h^2."""
        card = self.card
        if not self.lower_order_final or card.order is None:
            return card
        return replace(card, order=min(card.order, 2), nominal_order=card.nominal_order and min(card.nominal_order, 2))

    def axes(self, point: GaussianPoint) -> tuple[Scalar, Scalar]:
        """(p, q) with D = p x0 + q eps."""
        return FORMS[self.form](point)

    def told(self, now: Prediction) -> Tensor:
        """D of a prediction."""
        view: Tensor = getattr(now, self.form)
        return view

    def reaches(self, node: GaussianPoint) -> bool:
        """Whether a past point may be a node. A start where alpha = 0 is infinitely far away in the log-SNR and weighs nothing."""
        return type(node.lam) is not float or math.isfinite(node.lam)

    @abstractmethod
    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """w_1, w_2, ... for a step from nodes[0] to ``s``; one for every node but the first."""

    def correction(self, nodes: Sequence[GaussianPoint], used: int, sde: GaussianSDE) -> Sequence[Scalar]:
        """d_1, d_2, ...: what the evaluation at nodes[0] corrects of the step that led there. None by default.

        Args:
            nodes: nodes[0] is the end of that step and nodes[1] its start.
            used: past predictions that it looked at, those at nodes[2], ...
            sde: the process.

        """
        return ()

    def held(self, t: GaussianPoint, s: GaussianPoint) -> Held:
        """The step with an unchanging prediction; by default the probability flow's, the state carried as ``form`` needs."""
        p, q = self.axes(t)
        # x_s = carry x_t + b D for all x0 and eps: carry alpha_t + b p = alpha_s, carry sigma_t + b q = sigma_s
        return Held(s.alpha, s.sigma, divide(s.alpha * q - s.sigma * p, t.alpha * q - t.sigma * p))

    def depth(self, number: int, steps: int) -> int:
        """How many past predictions step ``number`` of ``steps`` uses: all that there are, unless the end is near."""
        depth = min(self.deep, number)
        return min(depth, steps - 1 - number) if self.lower_order_final else depth

    def plan(self, grid: Grid, begun: int = 0) -> Sequence[Rule]:
        """Every interval's numbers; the first ``begun`` steps are taken by another method, so they need no correction.

        Start and end are made one by one, the long middle all at once.
        """
        steps, points, sde = grid.steps, grid.points, grid.sde.as_gaussian()
        depths = [self.depth(i, steps) for i in range(steps)]

        def one(i: int) -> Rule:
            return self._rule(points[i::-1], points[i + 1], sde, depths[i], depths[i - 1] if i > begun else None)

        first = (
            max(self.deep, begun) + 1
        )  # from here on all the past that a step can use is there, and none of it at alpha = 0
        last = steps - self.deep
        if last - first < LEAST or type(points[0].t) is not float:
            return [one(i) for i in range(steps)]
        nodes = [column(points[first - j : last - j]) for j in range(self.deep + 1)]
        rule = self._rule(nodes, column(points[first + 1 : last + 1]), sde, depths[first], depths[first - 1])
        return [*(one(i) for i in range(first)), *rows(rule, last - first), *(one(i) for i in range(last, steps))]

    def _rule(
        self, past: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE, depth: int, used: int | None
    ) -> Rule:
        """The numbers of the step from past[0] to ``s`` with ``depth`` past predictions, after one with ``used``; None after none."""
        t = past[0]
        R, S, carry, c = self.held(t, s)
        nodes = [node for node in past[: self.deep + 1] if node is t or self.reaches(node)]
        w = list(self.weights(nodes[: depth + 1], s, sde)) if depth and len(nodes) > 1 else []
        d = self.correction(nodes, used, sde) if used is not None and len(nodes) > 1 else ()
        w += [0.0] * (len(d) - len(w))
        for j, d_j in enumerate(d):
            w[j] = w[j] + carry * d_j
        if not w:
            return Rule(R, S, (), c)
        p, q = self.axes(t)
        total = sum(w)
        return Rule(R - total * p, S - total * q, tuple(w), c)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, one evaluation."""
        t, s, (R, S, w, c), _ = interval
        now = model(x, t)
        if w and not memory:  # begun in the middle of a grid
            (R, S, _, c), w = self.held(t, s), ()
        terms = [*now.terms(R, S), *((w_j, past.D) for w_j, past in zip(w, memory or (), strict=False))]
        if type(c) is not float or c:
            terms.append((c, noise.between(t, s)))
        return Step(combine(*terms), remember(Past(t.t, t.lam, self.told(now)), memory, self.deep))
