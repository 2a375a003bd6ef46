"""From the arguments of `sample` to a `Job`: every impossible one is refused here, in words."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, SupportsIndex

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import IncompatibleError, OptionError
from solvers_zoo.noise.numbers import check_seed
from solvers_zoo.sampling.budget import steps_for
from solvers_zoo.sampling.job import DTYPES, Job, usable_device
from solvers_zoo.score_models.wrappers.counting import CountingModel
from solvers_zoo.time_grids.base import Grid
from solvers_zoo.time_grids.fitting import Fitting

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Noise
    from solvers_zoo.sampling.settings import Settings
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver

#: Memory that one chunk may take, in bytes, when ``chunk`` is not given: what the state, the history and the predictions of
#: the longest-memoried solvers need is about this many copies of the state, and a Brownian path's branch so many more.
_MAX_BYTES, _COPIES, _PATH_COPIES = 2**30, 16, 100


def new_job(model: ScoreModel, settings: Settings, first: int = 0) -> Job:
    """The job that the arguments of `sample` ask for.

    Args:
        model: the score model.
        settings: the arguments.
        first: number of the first sample, where those before it are drawn elsewhere.

    Raises:
        ZooError: an impossible argument, or two that do not go together.

    """
    x, noise = settings.x, settings.noise
    seed = check_seed(settings.seed)
    solver = registry.default().make("solver", settings.solver)
    if x is not None and (not isinstance(x, Tensor) or x.dim() == 0 or len(x) == 0):
        raise OptionError("A given start x= is a tensor of shape (n, ...) with n >= 1.")
    n = _count(settings.n, x)
    shape = _shape(settings.shape, model, x)
    dtype = settings.dtype or (x.dtype if x is not None else torch.get_default_dtype())
    if dtype not in DTYPES.values():
        raise OptionError(f"dtype = {dtype} is not possible; a state is of one of torch.{', torch.'.join(DTYPES)}.")
    if settings.start not in ("prior", "exact") or (x is not None and settings.start != "prior"):
        raise OptionError(
            f"start = {settings.start!r} is not possible; it is prior or exact, and left out where x= is given."
        )
    brownian = _brownian(settings.brownian, model, noise)
    device = usable_device(settings.device if settings.device is not None else x.device if x is not None else "cpu")
    condition = model.default_condition(seed, range(first, first + n)) | dict(settings.condition or {})
    fitting = Fitting(CountingModel(model), solver, shape, dtype, device, condition, n)
    return Job(
        model=model,
        solver=solver,
        grid=asked_grid(model, solver, settings, fitting),
        n=n,
        shape=shape,
        seed=seed,
        dtype=dtype,
        device=device,
        start=settings.start,
        denoise=bool(settings.denoise),
        fit_nfe=fitting.model.nfe,
        chunk=_chunk(settings.chunk, n, shape, dtype, brownian, noise),
        brownian=brownian,
        trajectory=bool(settings.trajectory),
        x=x,
        noise=noise,
        condition=condition,
        first=first,
    )


def _whole(name: str, value: SupportsIndex, least: int = 1) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise OptionError(f"{name} = {value!r} is not possible; it takes a whole number >= {least}.")
    return number


def _count(n: int | None, x: Tensor | None) -> int:
    if x is None:
        return 1 if n is None else _whole("n", n)
    if n is not None and n != len(x):
        raise OptionError(f"n = {n}, but the given start has {len(x)} samples; leave n out.")
    return len(x)


def _shape(shape: Sequence[int] | None, model: ScoreModel, x: Tensor | None) -> tuple[int, ...]:
    given = {
        "shape=": None if shape is None else tuple(_whole("A size in shape", size) for size in shape),
        "the start x=": None if x is None else tuple(x.shape[1:]),
        "the model": None if model.shape is None else tuple(model.shape),
    }
    known = {who: size for who, size in given.items() if size is not None}
    if not known:
        raise OptionError("The model does not say what shape its samples have: give shape=(...), or a start x=.")
    if len(set(known.values())) > 1:
        claims = " and ".join(f"{size} by {who}" for who, size in known.items())
        raise OptionError(f"The shape of a sample is {claims}; these must agree.")
    return next(iter(known.values()))


def _brownian(asked: object, model: ScoreModel, noise: Noise | None) -> str | Grid:
    if isinstance(asked, str) and asked in ("independent", "path"):
        if noise is not None and asked != "independent":
            raise OptionError("Give noise or brownian, not both: wrap your own noise in PathNoise.")
        return asked
    if noise is None and isinstance(asked, Sequence | Tensor) and not isinstance(asked, str):
        return _explicit(asked, model)
    raise OptionError(
        f"brownian = {asked!r} is not possible; it is independent, path, or a finest grid: the times that yours are among."
    )


def _chunk(
    asked: int | None, n: int, shape: tuple[int, ...], dtype: torch.dtype, brownian: str | Grid, noise: Noise | None
) -> int:
    chunk = None if asked is None else _whole("chunk", asked)
    if noise is not None:
        if chunk is not None and chunk < n:
            raise OptionError("A given noise serves one batch: leave chunk out, or give a seed.")
        return n
    if chunk is not None:
        return chunk
    state = max(1, torch.Size(shape).numel())
    each = state * (dtype.itemsize * _COPIES + (8 * _PATH_COPIES if brownian == "path" else 0))
    chunks = -(-n // max(1, _MAX_BYTES // each))
    return -(-n // chunks)


def asked_grid(model: ScoreModel, solver: Solver, settings: Settings, fitting: Fitting | None) -> Grid:
    """The grid that steps, nfe and grid ask for together."""
    rule, steps, nfe = settings.grid, settings.steps, settings.nfe
    if steps is not None and nfe is not None:
        raise OptionError("Give steps or nfe, not both.")
    steps = None if steps is None else _whole("steps", steps)
    nfe = None if nfe is None else _whole("nfe", nfe)
    if isinstance(rule, Sequence | Tensor) and not isinstance(rule, str):
        grid = _explicit(rule, model)
        if nfe is not None or (steps is not None and steps != grid.steps):
            raise OptionError(f"Explicit times already make {grid.steps} steps: leave steps and nfe out.")
        return grid
    if nfe is not None:
        steps = steps_for(solver, nfe, cost=model.cost, denoise=bool(settings.denoise))
    rule = registry.default().make("grid", rule if rule is not None else model.sde.default_grid)
    with torch.no_grad():
        return rule.make_grid(model.sde, steps, fitting)


def _explicit(times: Grid | Sequence[float] | Tensor, model: ScoreModel) -> Grid:
    """A `Grid` of the model's process, or the one of a sequence of times."""
    if not isinstance(times, Grid):
        return Grid(model.sde, [float(t) for t in times])
    if times.sde != model.sde:
        raise IncompatibleError(
            f"The grid belongs to {times.sde}, and the model to {model.sde}; make it on the model's."
        )
    return times
