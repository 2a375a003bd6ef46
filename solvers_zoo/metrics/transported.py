"""The law that a deterministic solver makes of its start."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.exact.transport import has_distribution, transport_distance
from solvers_zoo.metrics.base import Case, Measured

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Image:
    """How far the image of the start is from the exact law."""

    total_variation: Measured
    divergence: Measured


@functools.lru_cache(maxsize=1)  # two metrics look at it
def image(case: Case, starts: int, cells: int) -> Image:
    """The image of a run's start, from cells on the line and from Jacobians elsewhere.

    Raises:
        IncompatibleError: the map folds, or cannot be differentiated.

    """
    if case.x[0].numel() == 1 and has_distribution(case.law):
        return _on_the_line(case, cells)
    x = case.start[:starts].detach().cpu().double()
    y, slopes = pushed(case.push, x)
    signs, sizes = torch.linalg.slogdet(slopes)
    folds = int((signs <= 0).sum())
    if folds:
        raise IncompatibleError(
            _folded(case, f"its Jacobian's determinant is not positive at {folds} of {len(x)} starts")
        )
    law: Any = case.law
    log_q = _log_start(case, x) - sizes
    log_r = law.log_density(y, case.point) - log_q
    return Image(_mean((1 - log_r.exp()).abs() / 2), _mean(log_r.expm1() - log_r))


def pushed(push: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Results (n, *shape) of starts and the Jacobian of each (n, D, D), by D forward derivatives through the run.

    Raises:
        IncompatibleError: an operation has no forward derivative, or the result does not depend on the start by tensors.

    """
    columns = []
    jvp: Callable[..., Any] = torch.func.jvp
    for axis in range(x[0].numel()):
        direction = torch.zeros_like(x)
        direction.view(len(x), -1)[:, axis] = 1
        try:
            y, column = jvp(push, (x,), (direction,))
        except (RuntimeError, NotImplementedError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise IncompatibleError(f"The run has no forward derivative ({type(error).__name__}: {reason}).") from error
        columns.append(column.reshape(len(x), -1))
    return y.detach(), torch.stack(columns, -1)


def _on_the_line(case: Case, cells: int) -> Image:
    shape = case.x.shape[1:]
    found = transport_distance(
        case.law,
        lambda states: case.push(states.view(-1, *shape)),
        case.grid[0],
        case.point,
        prior_std=None if case.exact_start else _prior_std(case),
        cells=cells,
    )
    if not found.monotone:
        raise IncompatibleError(_folded(case, f"it swaps {found.folds} of {cells - 2} neighbours"))
    return Image(Measured(found.tv, cells), Measured(found.kl, cells))


def _folded(case: Case, how: str) -> str:
    return (
        f"The map of {case.solver} in {case.grid.steps} steps folds: {how}. The distance of its image is then not told by change of "
        "variables; more steps unfold it."
    )


def _prior_std(case: Case) -> float:
    return case.model.sde.prior_std(case.grid[0].t)


def _log_start(case: Case, x: Tensor) -> Tensor:
    """Log density of the start, (n,)."""
    if case.exact_start:
        law: Any = case.law
        density: Tensor = law.log_density(x, case.grid[0])
        return density
    std, rows = _prior_std(case), x.reshape(len(x), -1)
    return -0.5 * (rows / std).square().sum(1) - rows.shape[1] * math.log(std * math.sqrt(2 * math.pi))


def _mean(values: Tensor) -> Measured:
    return Measured(float(values.mean()), len(values), error=float(values.std()) / len(values) ** 0.5)
