"""One step through stages: what Runge-Kutta methods, classical and exponential, have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.numerics.combine import combine
from solvers_zoo.solving.stepping import Step, StepSolver

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Interval
    from solvers_zoo.time_grids.base import Grid

#: R x0_0 + S eps_0 + sum_j w_j k_j with the k_j of the later stages: R, S, and pairs (j - 1, w_j) of the weights that are
#: not zero.
Row = tuple["Scalar", "Scalar", Sequence["tuple[int, Scalar]"]]
#: A later stage: its point, (r, s) with k = r x0 + s eps there, and the row of its state.
Stage = tuple["GaussianPoint", tuple["Scalar", "Scalar"], Row]
#: One interval's numbers: the later stages, the result, and the error if it is wanted.
StagePlan = tuple[Sequence[Stage], Row, Row | None]


class StageSolver(StepSolver):
    r"""A step whose stages and result are rows over x0 and eps at the start and the k_j of the stages after it.

        x_i = R_i x0_0 + S_i eps_0 + sum_(0<j<i) w_ij k_j,    k_j = r_j x0(x_j) + s_j eps(x_j)

    Every stage state is linear in x_t and the outputs of the model so far, so no k_j is ever formed: a row is carried as its
    coefficients over (x_t, out_0, out_1, ...), and the state is touched once a term. A method says what R, S, w, r and s are.
    """

    @abstractmethod
    def plan(self, grid: Grid) -> Sequence[StagePlan]:
        """For every interval: the later stages, the result, and the error if there is one."""

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, an evaluation a stage."""
        stages, result, error = interval.plan
        first = model(x, interval.t)
        if not stages:
            return Step(first.mix(result[0], result[1]))
        basis = [x, first.out]
        slopes: list[list[Scalar]] = []  # k_1, k_2, ... over the basis
        for point, slope, row in stages:
            over = _coefficients(row, first, slopes)
            now = model(combine(*zip(over, basis, strict=False)), point)
            (a, _), (b, out) = now.terms(*slope)
            slopes.append([*[a * c for c in over], *[0.0] * (len(basis) - len(over)), b])
            basis.append(out)
        x_s = combine(*zip(_coefficients(result, first, slopes), basis, strict=False))
        if error is None:
            return Step(x_s)
        return Step(x_s, error=combine(*zip(_coefficients(error, first, slopes), basis, strict=False)))


def _coefficients(row: Row, first: Prediction, slopes: Sequence[Sequence[Scalar]]) -> list[Scalar]:
    """The coefficients of a row over (x_t, out_0, out_1, ...), as far as it goes."""
    R, S, later = row
    (a, _), (b, _) = first.terms(R, S)
    over = [a, b]
    for j, w in later:
        for i, k in enumerate(slopes[j]):  # a later slope reaches further
            if i < len(over):
                over[i] = over[i] + w * k  # not in place: they may be tensors
            else:
                over.append(w * k)
    return over
