"""`encode`: data to noise, along the same probability flow that sampling follows back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo import registry
from solvers_zoo.errors import IncompatibleError, OptionError
from solvers_zoo.registry.defaults import SOLVER
from solvers_zoo.sampling.arguments import asked_grid
from solvers_zoo.sampling.driver import sample
from solvers_zoo.sampling.settings import Settings
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.sampling.result import Result
    from solvers_zoo.sampling.settings import GridLike
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver


def encode(
    model: ScoreModel,
    x: Tensor,
    solver: str | Solver = SOLVER,
    *,
    steps: int | None = None,
    nfe: int | None = None,
    grid: GridLike = None,
    **options: Any,
) -> Result:
    """Carry samples from data to noise: the inversion of DDIM, DPM-Solver and of every other solver of the probability flow.

    It is `sample` over the grid turned round; sampling from the result with the same grid gives x back up to the error of the
    solver, which vanishes at its order.

    Args:
        model: the score model.
        x: states at the grid's last time, (n, ...): data with the noise of t_min, which is little.
        solver: a deterministic solver that runs both ways.
        steps: number of intervals, as in `sample`.
        nfe: or a budget of network evaluations.
        grid: name, specification, rule, or decreasing times or `Grid`, as one would sample with.
        options: further ones of `sample`: dtype, device, condition, chunk, grad, trajectory, callback, progress.

    Returns:
        A `Result`; its ``x`` is at the grid's first time.

    Raises:
        IncompatibleError: a stochastic solver, or one that runs from noise to data only.
        OptionError: an impossible argument.

    >>> import torch
    >>> import solvers_zoo as zoo
    >>> model = zoo.model("ring")
    >>> x = zoo.sample(model, "dpm-solver-3", steps=40, n=4, dtype=torch.float64).x
    >>> noise = zoo.encode(model, x, "dpm-solver-3", steps=40).x
    >>> bool((zoo.sample(model, "dpm-solver-3", steps=40, x=noise).x - x).abs().max() < 0.1)
    True

    """
    engine: Solver = registry.default().make("solver", solver)
    if engine.facts().stochastic:
        raise IncompatibleError(
            f"{engine} is stochastic: what it did cannot be undone. Take a solver of the probability flow."
        )
    if options.get("denoise"):
        raise OptionError("denoise ends sampling, at data; there is nothing to denoise where encoding ends.")
    down = sampling_grid(model, engine, steps=steps, nfe=nfe, grid=grid)
    up = Grid(down.sde, down.times[::-1], smooth=down.smooth)
    return sample(model, engine, grid=up, x=x, **options)


def sampling_grid(
    model: ScoreModel,
    solver: Solver,
    *,
    steps: int | None = None,
    nfe: int | None = None,
    grid: GridLike = None,
) -> Grid:
    """The decreasing `Grid` on which one would sample, of a name, specification, rule, decreasing times, or such a grid itself."""
    return asked_grid(model, solver, Settings(steps=steps, nfe=nfe, grid=grid), None)
