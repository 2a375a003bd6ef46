r"""The logarithm of the density that a model gives its data, by the probability flow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import IncompatibleError, ModelError, OptionError
from solvers_zoo.likelihood.flow import Augmented, differentiable, probe_vectors
from solvers_zoo.metrics.transported import pushed
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.registry.defaults import DENSITY
from solvers_zoo.sampling.encode import encode, sampling_grid
from solvers_zoo.score_models.analytic import fold
from solvers_zoo.score_models.conditions import Conditions
from solvers_zoo.score_models.wrappers.settled import Settled
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.sampling.settings import GridLike
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver

#: Coordinates up to which the Jacobian of the numerical map is taken, one run of the solver for each.
MAP_SIZE = 64
#: Numbers in the states of one chunk, copies for the directions included.
CHUNK = 2**17


@dataclass(frozen=True)
class Likelihood:
    """Log-densities in nats, of n samples, with what is known of their errors.

    Attributes:
        log_p: log p(x), (n,): the sum of the next two.
        prior: log p_T where the flow ends, (n,).
        change: logarithm of the change of volume along the way, (n,).
        trace_error: standard error of log_p by the probes of the trace, (n,): 0 with the exact one, NaN with a single probe.
        time_error: estimate of the error of log_p by the steps, (n,), from a run with half as many: |difference| / (2^p - 1) at
            a solver's order p; of an adaptive solver, |difference| to a run at ten times the tolerance. NaN if it was not asked for,
            infinite where the rougher run folds.
        nfe: network evaluations a sample, each with one directional derivative; the second run of ``time_error`` included.
        dim: coordinates of a sample.

    """

    log_p: Tensor
    prior: Tensor
    change: Tensor
    trace_error: Tensor
    time_error: Tensor
    nfe: int
    dim: int

    @property
    def bits(self) -> Tensor:
        """-log2 p(x) a dimension, (n,)."""
        return -self.log_p / (self.dim * math.log(2))

    @property
    def mean(self) -> tuple[float, float]:
        """Mean of log_p over the samples, and its standard error."""
        return mean_and_error(self.log_p)


def mean_and_error(values: Tensor) -> tuple[float, float]:
    """Mean and its standard error; NaN of a single value."""
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(values.mean()), error


def log_likelihood(
    model: ScoreModel,
    x: Tensor,
    solver: str | Solver = DENSITY,
    *,
    steps: int | None = None,
    nfe: int | None = None,
    grid: GridLike = None,
    trace: str = "exact",
    probes: int = 1,
    probe: str = "rademacher",
    method: str = "auto",
    start: str | None = None,
    time_error: bool = True,
    seed: int = 0,
    first: int = 0,
    condition: Mapping[str, object] | None = None,
    dtype: torch.dtype | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Likelihood:
    r"""log p(x) along the probability flow dx/dt = v, from the grid's last time, where x is, to its first.

    Song et al. 2021 (2011.13456), eq. (39):

        log p(x) = log p_T(Phi(x)) + log |det dPhi/dx|              (map)
        log p(x) = log p_T(x_T) + \int div v(x_t, t) dt             (flow)

    ``map`` takes the Jacobian of the solver's own map Phi by d forward derivatives through the run: the density is exactly that of
    the image of p_T under the inverse of Phi, for any deterministic solver of the zoo. ``flow`` integrates the divergence beside the
    state, by the full trace or by Hutchinson's estimate e'(dv/dx)e. Both converge at the solver's order. ``auto`` is map for the exact
    trace of at most 64 coordinates with a solver of given steps, else flow.

    The density is that of the data with the noise of t_min, which is where x is taken to be.

    Args:
        model: any score model that has forward derivatives.
        x: data, (n, *shape).
        solver: a deterministic solver that runs both ways; Runge-Kutta and adaptive ones are most accurate.
        steps: intervals, or a budget ``nfe`` a run; 20 by default.
        nfe: as in `sample`.
        grid: as one would sample with.
        trace: ``exact`` or ``hutchinson``.
        probes: for each sample, of Hutchinson's estimate; from 2 on, their scatter gives ``trace_error``.
        probe: ``rademacher`` (signs, the least variance) or ``gaussian``.
        method: ``map``, ``flow`` or ``auto``.
        start: what p_T is: ``prior``, N(0, sigma_T^2), or ``exact``, the law at T of an analytic model, which is the default there.
        time_error: run again with half the steps, to estimate their error.
        seed: of the probes: those of a sample depend on it and the sample's number alone.
        first: number of the first sample.
        condition: passed on to the model; tensors of n rows follow the samples. By default none, so a model that knows classes is
            asked without.
        dtype: of the computation; x's by default. float64 shows orders, float32 is good to about 1e-4.
        chunk: samples at once.
        progress: called with (samples done, n).

    Raises:
        OptionError: an impossible argument.
        IncompatibleError: a stochastic solver, a model without forward derivatives, a law at T that is not known, or a map that folds.
        ModelError: x is not of the model's shape, or values are not finite.

    >>> import torch
    >>> import solvers_zoo as zoo
    >>> model = zoo.model("mixture-2d")
    >>> x = torch.tensor([[4.0, 4.0]], dtype=torch.float64)
    >>> found = zoo.log_likelihood(model, x, "rk4", steps=60)
    >>> exact = model.log_density(x, model.sde.at(model.sde.t_min))
    >>> bool((found.log_p - exact).abs().max() < 1e-4)
    True

    """
    _check(model, x, trace, probes, probe, method)
    if steps is not None and nfe is not None:
        raise OptionError("Give steps or nfe, not both.")
    if start not in (None, "prior", "exact"):
        raise OptionError(f"start = {start!r} is not possible; it is prior or exact.")
    if start == "exact" and (model.analytic is None or condition):
        raise IncompatibleError("start='exact' needs a model whose law is known (an analytic one); use start='prior'.")
    engine: Solver = registry.default().make("solver", solver)
    facts = engine.facts()
    down = sampling_grid(model, engine, steps=steps, nfe=nfe, grid=grid)
    data = as_data(x, dtype)
    dim = math.prod(data.shape[1:])
    if method == "auto":
        method = "map" if trace == "exact" and not facts.adaptive and dim <= MAP_SIZE else "flow"
    ways = [(engine, down), *([rougher] if time_error and (rougher := _rougher(engine, down)) else [])]
    copies = 1 if method == "map" else dim if trace == "exact" else probes
    size = chunk or max(1, CHUNK // (dim * copies))
    parts: list[list[_Part]] = []
    for settled, rows, numbers in chunks(model, data, condition, size, first, progress):
        noise = SeededNoise(seed, numbers, (dim,))
        directions = probe_vectors(probe, noise, probes) if trace == "hutchinson" else None
        parts.append(
            [
                _mapped(settled, rows, *way, start)
                if method == "map"
                else _flowed(settled, rows, *way, start, directions)
                for way in ways
            ]
        )
    fine, *coarse = (_joined(list(run)) for run in zip(*parts, strict=True))
    log_p = fine.log_p
    if folds := int(log_p.isnan().sum()):
        raise IncompatibleError(
            f"The map of {engine} in {down.steps} steps folds at {folds} of {len(data)} samples, so it has no density there; take "
            "more steps, or method='flow'."
        )
    share = 1.0 if facts.adaptive else 1 / (2.0 ** (facts.order or 1) - 1)
    late = torch.full_like(log_p, math.nan)
    if coarse:
        late = share * (coarse[0].log_p - log_p).abs().nan_to_num(math.inf)
    if trace == "exact":
        scatter = torch.zeros_like(log_p)
    elif probes == 1:
        scatter = log_p * math.nan
    else:
        scatter = (fold((fine.change - fine.mean).square()) / (probes * (probes - 1))).sqrt()
    return Likelihood(log_p, fine.prior, fine.mean, scatter, late, sum(p.nfe for p in (fine, *coarse)), dim)


def as_data(x: Tensor, dtype: torch.dtype | None) -> Tensor:
    """The data without a graph, in ``dtype`` or their own; float64 of whole numbers."""
    return x.detach().to(dtype or (x.dtype if x.is_floating_point() else torch.float64))


def chunks(
    model: ScoreModel,
    data: Tensor,
    condition: Mapping[str, object] | None,
    size: int,
    first: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[ScoreModel, Tensor, range]]:
    """For every ``size`` samples: the model under their condition, the samples, and their numbers, of which ``first`` is the least."""
    run = Conditions(condition, len(data))
    for begin in range(0, len(data), size):
        rows = data[begin : begin + size]
        settled = Settled(model, run.of(itemgetter(slice(begin, begin + size))), run.rows)
        yield settled, rows, range(first + begin, first + begin + len(rows))
        if progress is not None:
            progress(begin + len(rows), len(data))


# -- one run -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """Prior (n,) and changes of volume (k, n), one a probe."""

    prior: Tensor
    change: Tensor
    nfe: int

    @property
    def mean(self) -> Tensor:
        """Mean change over the probes, whose last bit does not depend on the batch."""
        return fold(self.change) / len(self.change)

    @property
    def log_p(self) -> Tensor:
        """Log-density of every sample, (n,)."""
        return self.prior + self.mean


def _mapped(model: ScoreModel, x: Tensor, solver: Solver, grid: Grid, start: str | None) -> _Part:
    """Take the change of volume from the Jacobian of the numerical map."""
    runs: list[int] = []

    def push(state: Tensor) -> Tensor:
        done = encode(model, state, solver, grid=grid, grad=True, chunk=len(state))
        runs.append(done.nfe)
        return done.x

    with differentiable(), torch.no_grad():
        end, slopes = pushed(push, x)
        signs, sizes = torch.linalg.slogdet(slopes.double())
    unfolded = sizes.where(signs > 0, math.nan).to(x.dtype)  # of the flow itself every determinant is positive
    return _Part(_prior(model, end, grid[0], start), unfolded[None], sum(runs))


def _flowed(
    model: ScoreModel, x: Tensor, solver: Solver, grid: Grid, start: str | None, directions: Tensor | None
) -> _Part:
    """Take the change of volume from the divergence along the flow."""
    flow = Augmented(model, directions, tuple(x.shape[1:]))
    begin = torch.cat((x.flatten(1), x.new_zeros(len(x), flow.columns)), 1)
    done = encode(flow, begin, solver, grid=grid, chunk=len(begin))
    end = done.x[:, : flow.size].reshape(x.shape)
    return _Part(_prior(model, end, grid[0], start), done.x[:, flow.size :].T, done.nfe * flow.directions)


def _prior(model: ScoreModel, x: Tensor, point: GaussianPoint, start: str | None) -> Tensor:
    """Log density of the noise, (n,)."""
    law = model.analytic
    if law is not None and start != "prior":
        return law.log_density(x.contiguous(), point)
    std, rows = model.sde.prior_std(float(point.t)), x.flatten(1)
    return -0.5 * (rows / std).square().sum(1) - rows.shape[1] * math.log(std * math.sqrt(2 * math.pi))


def _joined(parts: list[_Part]) -> _Part:
    return _Part(
        torch.cat([p.prior for p in parts]), torch.cat([p.change for p in parts], 1), max(p.nfe for p in parts)
    )


def _rougher(solver: Solver, grid: Grid) -> tuple[Solver, Grid] | None:
    """Solver and grid of a rougher run: half the steps or ten times the tolerance; None where neither is possible."""
    if solver.facts().adaptive:
        loose = {name: 10 * getattr(solver, name) for name in ("rtol", "atol") if name in solver.options()}
        return (solver.replace(**loose), grid) if loose else None
    if grid.steps < 2:
        return None
    times, odd = grid.times, grid.steps % 2 == 1
    # of an odd number the three with the most noise go together
    kept = [times[0], *times[3::2]] if odd else times[::2]
    return solver, Grid(grid.sde, kept, smooth=grid.smooth and not odd)


def _check(model: ScoreModel, x: object, trace: str, count: int, probe: str, method: str) -> None:
    """Refuse what is impossible."""
    for name, value, known in (
        ("trace", trace, ("exact", "hutchinson")),
        ("probe", probe, ("rademacher", "gaussian")),
        ("method", method, ("auto", "map", "flow")),
    ):
        if value not in known:
            raise OptionError(f"{name} = {value!r} is not possible; it is {' or '.join(map(str, known))}.")
    check_count("probes", count, 1)
    if trace == "hutchinson" and method == "map":
        raise OptionError("Hutchinson's trace is integrated along the flow: take method='flow', or the exact trace.")
    check_data(model, x)


def check_count(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number, or less than ``least``.

    Raises:
        OptionError: it is.

    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(f"{name} = {value!r} is not possible; it takes a whole number >= {least}.")


def check_data(model: ScoreModel, x: object) -> None:
    """Refuse data that are not samples of the model.

    Raises:
        OptionError: no batch of samples.
        ModelError: another shape, or values that are not finite.

    """
    if not isinstance(x, Tensor) or x.dim() < 2 or len(x) == 0:
        raise OptionError("x is a tensor of samples, (n, *shape) with n >= 1.")
    if model.shape is not None and tuple(x.shape[1:]) != tuple(model.shape):
        raise ModelError(f"The data are of shape {tuple(x.shape[1:])} and the model's samples of {tuple(model.shape)}.")
    if not bool(torch.isfinite(x).all()):
        raise ModelError("Some of the data are not finite.")
