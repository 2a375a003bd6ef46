"""The search for the cause of a result that is not finite: the run is replayed with a check at every call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor

from solvers_zoo.errors import NotFiniteError
from solvers_zoo.score_models.base import ModelWrapper

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Noise
    from solvers_zoo.processes.base import GaussianPoint, Point
    from solvers_zoo.processes.prediction import Prediction
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver
    from solvers_zoo.time_grids.base import Grid


class _NotFinite(Exception):
    """Some values are not finite: carries the row of the batch and the time."""

    def __init__(self, what: str, row: int, t: float) -> None:
        super().__init__(what)
        self.row, self.t = row, t


class _CheckedModel(ModelWrapper):
    """Raises as soon as the state or ``model``'s answer is not finite in one of the first ``rows`` rows."""

    def __init__(self, model: ScoreModel, rows: int) -> None:
        super().__init__(model)
        self.rows = rows

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """Check one call."""
        _check(x[: self.rows], point, "the solver made a state with {} of finite ones")
        prediction = self.model(x, point, **condition)
        _check(prediction.out[: self.rows], point, "the model returned {} for a finite state")
        return prediction


def _check(x: Tensor, point: Point, what: str) -> None:
    bad = (~torch.isfinite(x)).flatten(1).any(1).nonzero()
    if len(bad):
        row = int(bad[0])
        value = "NaN" if x[row].isnan().any() else "an infinite value"
        t = point.t if isinstance(point.t, float) else float(point.t.flatten()[row])
        raise _NotFinite(f"{what.format(value)} at t = {t:g}", row, t)


def explain_nonfinite(
    solver: Solver, model: ScoreModel, begin: tuple[Noise, Tensor], grid: Grid, samples: Sequence[int], denoise: bool
) -> NoReturn:
    """Replay a chunk and raise `NotFiniteError` naming solver, step, t and the first bad sample."""
    noise, x = begin
    checked = _CheckedModel(model, len(samples))
    index, where = 0, "the start"
    try:
        with torch.no_grad():
            _check(x[: len(samples)], grid[0], "the start holds {}")
            where = _step(1, grid, solver)
            for state in solver.solve(checked, x, grid, noise):
                _check(state.x[: len(samples)], state.point, "the solver made a state with {} of finite ones")
                index = state.index
                where = _step(index + 1, grid, solver)
            where = "the last denoise"
            if denoise:
                checked(state.x, grid[-1])
    except _NotFinite as why:
        raise NotFiniteError(
            f"{solver} gave values that are not finite in {where}, first in sample {samples[why.row]}: {why}. "
            "Check the model there, or take more steps or a more stable solver."
        ) from None
    raise NotFiniteError(
        f"{solver}: the result is not finite, but a replay was, so the model does not answer the same twice. "
        "Put it in eval mode, or fix its randomness."
    )


def _step(number: int, grid: Grid, solver: Solver) -> str:
    return f"step {number}" if solver.facts().adaptive else f"step {min(number, grid.steps)} of {grid.steps}"
