r"""SDEdit: noise that hides what is to change, and a way back from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import OptionError
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.numerics.combine import combine
from solvers_zoo.registry.defaults import SOLVER
from solvers_zoo.sampling.driver import sample
from solvers_zoo.sampling.encode import sampling_grid
from solvers_zoo.score_models.wrappers.settled import Settled
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from solvers_zoo.sampling.result import Result
    from solvers_zoo.sampling.settings import GridLike
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver


def edit(
    model: ScoreModel,
    x: Tensor,
    strength: float | None = None,
    solver: str | Solver = SOLVER,
    *,
    t_start: float | None = None,
    steps: int | None = None,
    nfe: int | None = None,
    grid: GridLike = None,
    seed: int = 0,
    **options: Any,
) -> Result:
    r"""Noise x to a time t_0 and sample from there (Meng et al. 2022, 2108.01073, Algorithm 1).

        x_(t_0) = alpha(t_0) x + sigma(t_0) z,    then the solver from t_0 to t_min.

    Little noise keeps x, much of it gives way to what the model knows. ``strength`` is the share of the grid's steps that is taken, so
    that 1 starts at its first time with as much of x as is left there, and cost grows with it; between two times of the grid the start
    lies between them too. z is the seed's start, the one that `sample` begins with.

    Args:
        model: any score model on a Gaussian process.
        x: samples (n, *shape), such as a picture, a sketch, or data of another kind.
        strength: in (0, 1]; 0.5 if nothing is given.
        solver: any, stochastic ones too.
        t_start: instead of the strength: the time t_0.
        steps: intervals of the whole grid, of which the part below t_0 is run.
        nfe: or a budget for the whole grid.
        grid: as in `sample`.
        seed: of all noise; sample i is the same for the same seed in any batch.
        options: further ones of `sample`: dtype, condition, chunk, denoise, trajectory, callback, progress. Without a condition a model
            that knows classes is asked without.

    Raises:
        OptionError: an impossible argument.
        IncompatibleError: a process without alpha and sigma.

    >>> import torch
    >>> import solvers_zoo as zoo
    >>> model = zoo.model("ring")
    >>> x = zoo.edit(model, torch.tensor([[3.0, 3.0]]), strength=0.4, steps=20).x
    >>> x.shape
    torch.Size([1, 2])

    """
    model.sde.as_gaussian("data cannot be noised to a time of it")
    if not isinstance(x, Tensor) or x.dim() < 2 or len(x) == 0:
        raise OptionError("x is a tensor of samples, (n, *shape) with n >= 1.")
    engine: Solver = registry.default().make("solver", solver)
    whole = sampling_grid(model, engine, steps=steps, nfe=nfe, grid=grid)
    rest = _rest(whole, strength, t_start)
    start, device = rest[0], options.get("device") or x.device
    dtype = options.pop("dtype", None) or (x.dtype if x.is_floating_point() else None)
    noise = SeededNoise(seed, range(len(x)), x.shape[1:], dtype or x.float().dtype, device)
    noisy = combine((start.alpha, x.to(device, noise.dtype)), (start.sigma, noise.start().fresh()))
    return sample(Settled(model, {}), engine, grid=rest, x=noisy, seed=seed, dtype=noise.dtype, **options)


def _rest(grid: Grid, strength: float | None, t_start: float | None) -> Grid:
    """The part of the grid from the start of an edit on."""
    times = grid.times
    if t_start is not None:
        if strength is not None:
            raise OptionError("Give strength or t_start, not both.")
        if not times[-1] < t_start <= times[0]:
            raise OptionError(f"t_start = {t_start:g} is not possible; it lies in ({times[-1]:g}, {times[0]:g}].")
        begin = float(t_start)
    else:
        share = 0.5 if strength is None else strength
        if isinstance(share, bool) or not 0 < share <= 1:
            raise OptionError(f"strength = {share!r} is not possible; it lies in (0, 1].")
        place = (1 - share) * grid.steps
        index = min(math.floor(place), grid.steps - 1)
        begin = times[index] + (place - index) * (times[index + 1] - times[index])
    slack = 1e-9 * abs(times[0] - times[-1]) / grid.steps  # a start on the grid's own time, but for rounding
    later = [t for t in times if t < begin - slack] or [times[-1]]
    whole = any(abs(t - begin) <= slack for t in times)
    return Grid(grid.sde, [begin, *later], smooth=grid.smooth and whole)
