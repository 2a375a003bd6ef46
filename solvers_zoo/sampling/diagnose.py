"""When a result is not finite: replay the run with a check at every call, and say where it went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from solvers_zoo.errors import ModelError
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Noise
    from solvers_zoo.processes.prediction import Prediction
    from solvers_zoo.stepping import Solver
    from solvers_zoo.time_grids.base import Grid


class CheckedModel(ModelWrapper):
    """Raises as soon as ``model`` returns something that is not finite for a finite state."""

    def __init__(self, model: ScoreModel) -> None:
        super().__init__(model)
        self.calls = 0

    def __call__(self, x: Tensor, point: Any, **condition: Any) -> Prediction:
        """Check one call."""
        self.calls += 1
        prediction = self.model(x, point, **condition)
        out: Tensor = getattr(prediction, "out", prediction.score)
        bad = _first_bad(out)
        if bad is not None and _first_bad(x) is None:
            t = point.t if isinstance(point.t, float) else point.t.flatten()[0].item()
            raise _NotFinite(f"the model returned {_value(out, bad)} at t = {t:g} for a finite state", bad)
        return prediction


class _NotFinite(Exception):
    def __init__(self, what: str, row: int) -> None:
        super().__init__(what)
        self.row = row


def _first_bad(x: Tensor) -> int | None:
    rows = (~torch.isfinite(x)).flatten(1).any(1).nonzero()
    return int(rows[0]) if len(rows) else None


def _value(x: Tensor, row: int) -> str:
    values = x[row].flatten()
    return "NaN" if values.isnan().any() else "an infinite value"


def explain_nonfinite(
    solver: Solver, model: ScoreModel, begin: tuple[Noise, Tensor], grid: Grid, samples: Sequence[int]
) -> NoReturn:
    """Replay and raise `ModelError` naming solver, step, t and the first bad sample."""
    noise, x = begin
    checked = CheckedModel(model)
    index, t = 0, grid[0].t
    try:
        for state in solver.solve(checked, x, grid, noise):
            bad = _first_bad(state.x)
            if bad is not None:
                raise _NotFinite("the state overflowed though the model's answers were finite", bad)
            index = state.index
        raise ModelError(
            f"{solver}: the result is not finite, but a replay was, so the model does not answer the same twice. "
            "Put it in eval mode, or fix its randomness."
        )
    except _NotFinite as why:
        number = samples[min(why.row, len(samples) - 1)]
        t = grid[min(index, grid.steps)].t
        raise ModelError(
            f"{solver} gave values that are not finite in step {index + 1} of {grid.steps} (from t = {t:g}), first in "
            f"sample {number}: {why}. Check the model there, or take more steps or a more stable solver."
        ) from None
