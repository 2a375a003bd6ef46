"""DPM-Solver-fast: steps of order 3 that take a whole budget of evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from solvers_zoo import Grid, Interval, Solver, SolverCard, Source, State
from zoo_dpm.dpm_solver_1 import DPMSolver1
from zoo_dpm.dpm_solver_2 import DPMSolver2
from zoo_dpm.dpm_solver_3 import DPMSolver3

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Noise, ScoreModel

_OF_ORDER = {1: DPMSolver1(), 2: DPMSolver2(), 3: DPMSolver3()}


class DPMSolverFast(Solver):
    r"""One evaluation an interval of the grid: k intervals are taken by one step of DPM-Solver-k.

        x(t_(i+k)) = DPM-Solver-k(x(t_i)),    k = 3, ..., 3  then nothing, 2 2 or 2  as N mod 3 = 0, 1 or 2

    The times between are not used; stages stand at thirds and halves of the whole step in lam. A State is yielded after
    every step. The paper ends with 2 1, 1 or 2: its last step of order 1 makes the whole run one of order 2 where 3 does not
    divide N + 1, on a mixture 4 times less exact at N = 256. Here no step is of order 1 but that of N = 1.
    """

    card = SolverCard(
        name="dpm-solver-fast",
        title="DPM-Solver-fast",
        family="dpm",
        order=3,
        cycle=3,
        evaluations=1,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        aliases=("dpm-fast",),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="Section 3.4, with other orders at the end",
        ),
    )

    @staticmethod
    def orders(steps: int) -> list[int]:
        """The orders of the steps, which sum to ``steps``."""
        if steps == 1:
            return [1]
        threes, rest = divmod(steps, 3)
        return [3] * threes if rest == 0 else [3] * (threes - 1) + [2, 2] if rest == 1 else [3] * threes + [2]

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Take the intervals two and three at a time."""
        if state is None:
            state = State(0, grid[0], x)
        ends = accumulate(self.orders(grid.steps), initial=0)
        for begin, end in pairwise(ends):
            if begin < state.index:
                continue
            t, s, method = grid[begin], grid[end], _OF_ORDER[end - begin]
            (plan,) = method.plan(Grid(grid.sde, [t, s]))
            step = method.step(model, state.x, Interval(t, s, plan, begin), None, noise.at(begin))
            state = State(end, s, step.x)
            yield state
