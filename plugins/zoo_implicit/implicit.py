"""Implicit Runge-Kutta on the probability flow, in any integration variable: one class for every tableau."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from solvers_zoo import VARIABLES, SolverCard, Source, State, Step, StepSolver, ZooError, combine, option
from solvers_zoo.numerics import minimum
from solvers_zoo.numerics.tableau import Tableau
from zoo_implicit.fixed_point import settle

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


class Stage(NamedTuple):
    """A row of the tableau on one interval: x_i = ratio x_t + sum_j w_j k_j over the pairs (j, w_j) of ``weights``."""

    point: Any
    slope: tuple[Any, Any]
    """(r, s) with k_i = r x0 + s eps."""
    ratio: Scalar
    weights: Sequence[tuple[int, Any]]


class Spent(NamedTuple):
    """What each sample cost so far, (B,): model evaluations, and the largest residual of its stages."""

    evaluations: Tensor
    residual: Tensor


class ImplicitRungeKutta(StepSolver):
    r"""Solve dy/du = k(y, u) for the scaled state y = x / scale and the clock u of ``variable``, with stages that need each other.

        k_i = r_i x0(x_i) + s_i eps(x_i),    x_i = scale_i (y_t + h sum_j A_ij k_j),    h = u_s - u_t
        x_s = scale_s (y_t + h sum_i b_i k_i)

    Nothing limits the step for stability's sake where the flow is stiff (a narrow mode, a long step towards sigma = 0).

    The equations are solved without a Jacobian: Anderson's acceleration of x_i <- scale_i (...), for every sample by itself,
    from the DDIM step to each stage, which costs one evaluation. What is stiff in eps = (x - alpha x0)/sigma is known, and taken
    out of each stage's residual. Stages are solved together only where they need each other,
    so diagonally implicit methods solve one at a time. Each round evaluates the model once a stage; samples that have settled
    wait for the others and are not changed. How many rounds a step takes only a run can tell: ``Result.stats`` holds the
    evaluations that each sample needed, and the largest residual (root mean square) that was left in its stages.

    Raises:
        ZooError: stages that do not settle.

    """

    tableau: ClassVar[Tableau]
    #: Residual that stages may have, in units of the state's size where that is above 1; 64 roundings where that is more. A
    #: hundredth of it is aimed at.
    tolerance: ClassVar[float] = 1e-10
    #: Rounds after which to give up; mostly 4 to 12 are needed, and some hundred near a fold, in steps over a third of the interval.
    rounds: ClassVar[int] = 500
    #: Past rounds that the acceleration looks at.
    window: ClassVar[int] = 8
    variable: str = option(
        "sigma", help="integration variable: t, sigma (x/alpha over sigma/alpha) or lam", choices=tuple(VARIABLES)
    )

    @classmethod
    def describe(cls) -> str:
        """The docstring, and the method written out from its numbers."""
        lines = "\n".join(f"    {line}" for line in cls.tableau.formulas().splitlines())
        return f"{super().describe()}\n\n{lines}\n\ny = x / scale and u are those of the option ``variable``; h = u_s - u_t."

    def facts(self) -> SolverCard:
        """Variable and needs as the option makes them."""
        return replace(self.card, variable=self.variable, needs=VARIABLES[self.variable].needs)

    def report(self, state: State) -> dict[str, Any]:
        """The evaluations that served each sample, and the largest residual of its stages."""
        return Spent(*state.memory)._asdict()

    def plan(self, grid: Grid) -> Sequence[tuple[Sequence[Stage], Stage]]:
        """For every interval its stages, and the result as one more."""
        T, u = self.tableau, VARIABLES[self.variable]
        plans = []
        for t, s in grid.intervals():
            begin, h = u.clock(t), u.clock(s) - u.clock(t)

            def stage(c: float, row: Sequence[float], t: Any = t, s: Any = s, begin: Any = begin, h: Any = h) -> Stage:
                point = t if c == 0 else s if c == 1 else u.point(grid.sde, begin + c * h)
                scale = u.scale(point)
                weights = [(j, scale * h * a) for j, a in enumerate(row) if a != 0]
                return Stage(point, u.slope(point), scale / u.scale(t), weights)

            plans.append(([stage(c, row) for c, row in zip(T.c, T.A, strict=True)], stage(1.0, T.b)))
        return plans

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step, block by block of stages that need each other."""
        stages, result = interval.plan
        first = model(x, interval.t)
        size = x.double().reshape(len(x), -1).square().mean(1).sqrt().clamp(min=1.0)
        rounding, none = _rounding(x), size * 0
        limit = max(self.tolerance, 64 * rounding)
        goal = max(limit / 100, 4 * rounding)
        evaluations, residual = Spent(*memory) if memory is not None else Spent(none.long(), none)
        evaluations = evaluations + 1
        k: list[Tensor] = []
        for block in self.tableau.blocks:
            rows = [stages[i] for i in block]
            known = [combine((row.ratio, x), *((w, k[j]) for j, w in row.weights if j < block.start)) for row in rows]
            if all(j < block.start for j, _ in rows[0].weights):  # explicit; the first is at x_t itself
                now = first if block.start == 0 else model(known[0], rows[0].point)
                evaluations = evaluations + (block.start > 0)
                k.append(now.mix(*rows[0].slope))
                continue

            def apply(
                X: Sequence[Tensor], rows: Any = rows, known: Any = known, begin: int = block.start
            ) -> tuple[list[Tensor], list[Tensor]]:
                slopes = [model(x_i, row.point).mix(*row.slope) for x_i, row in zip(X, rows, strict=True)]
                inner = [[(w, slopes[j - begin]) for j, w in row.weights if j >= begin] for row in rows]
                return [combine((1.0, c), *terms) for c, terms in zip(known, inner, strict=True)], slopes

            guess = [first.mix(row.point.alpha, row.point.sigma) for row in rows]
            mixing = [_mixing(row, i) for i, row in zip(block, rows, strict=True)]
            slopes, left, rounds, missed = settle(
                apply, guess, mixing, goal * size, limit * size, self.rounds, self.window
            )
            if bool(missed.any()):
                raise self._unsettled(interval, left / size, missed)
            k += slopes
            evaluations = evaluations + rounds * len(block)
            residual = residual.maximum(left / size)
        x_s = combine((result.ratio, x), *((w, k[j]) for j, w in result.weights))
        return Step(x_s, Spent(evaluations, residual))

    def _unsettled(self, interval: Interval, residual: Tensor, missed: Tensor) -> ZooError:
        row = int(missed.nonzero()[0])
        return ZooError(
            f"{self}: the stages of step {interval.number + 1} did not settle in {self.rounds} rounds; sample {row} has a "
            f"residual of {float(residual[row]):.1e}. Take shorter steps there, or another variable."
        )


def _mixing(stage: Stage, i: int) -> Any:
    """1 / (1 - w_ii dk_i/dx_i) if x0 did not change with x, as then eps = (x - alpha x0) / sigma; at most 1.

    That part of the slope is what makes the flow stiff, and a stage with itself alone is solved at once if x0 is constant.
    """
    own = sum((w for j, w in stage.weights if j == i), 0.0)
    return 1 / (1 - minimum(own * stage.slope[1] / stage.point.sigma, 0.0))


def _rounding(x: Tensor) -> float:
    """Half the gap between 1 and the next number of the dtype, which is the host's to know."""
    import torch

    return torch.finfo(x.dtype).eps / 2


def method_card(name: str, title: str, tableau: Tableau, source: Source, aliases: tuple[str, ...] = ()) -> SolverCard:
    """The card of an implicit Runge-Kutta method: its order is computed from the tableau."""
    return SolverCard(
        name=name,
        title=title,
        family="implicit",
        order=tableau.order,
        evaluations=None,
        implicit=True,
        variable="sigma",
        needs=VARIABLES["sigma"].needs,
        source=source,
        aliases=aliases,
    )
