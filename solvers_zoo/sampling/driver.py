"""`sample`: the one driver. It makes grid and noise, counts calls, runs the loop and takes the last denoise."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import IncompatibleError, Interrupted, OptionError
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.sampling.diagnose import explain_nonfinite
from solvers_zoo.sampling.result import Pause, Result
from solvers_zoo.score_models.conditioned import Conditioned
from solvers_zoo.score_models.counting import CountingModel
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from solvers_zoo.noise.base import Noise
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.stepping import Solver, State

#: State memory that one chunk may take, in bytes, when ``chunk`` is not given: what the state, the history and the
#: predictions of the longest-memoried solvers need is about this many copies of the state.
MAX_BYTES, COPIES = 2**30, 16


def sample(
    model: ScoreModel,
    solver: str | Solver = "heun",
    *,
    steps: int | None = None,
    nfe: int | None = None,
    grid: Any = None,
    x: Tensor | None = None,
    n: int | None = None,
    shape: Sequence[int] | None = None,
    seed: int = 0,
    noise: Noise | None = None,
    start: str = "prior",
    denoise: bool = False,
    dtype: torch.dtype | None = None,
    device: Any = None,
    condition: Mapping[str, Any] | None = None,
    chunk: int | None = None,
    grad: bool = False,
    trajectory: bool = False,
    callback: Callable[[State], Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    resume: Result | str | Path | None = None,
) -> Result:
    """Carry samples from noise to data.

    Args:
        model: the score model; it knows its process.
        solver: a name, a specification (``"ddim:eta=0.5"``) or a solver.
        steps: number of intervals; 20 if neither ``nfe`` nor explicit times say otherwise.
        nfe: a budget of network evaluations a sample; takes the most steps that cost at most this, denoise included.
        grid: name, specification, rule, `Grid`, or explicit times; by default the process's own.
        x: a given start at the first time, (n, ...); otherwise one is drawn.
        n: number of samples; 1 by default.
        shape: shape of one sample; the model's own by default.
        seed: sample i is the same for the same seed, in any batch.
        noise: any `Noise` instead of the seed's.
        start: ``prior``, or ``exact`` for the exact law at the first time (analytic models), which leaves solver error only.
        denoise: replace the result by its prediction of x0, one more call.
        dtype: of the state; torch's default if not given.
        device: of the state.
        condition: passed on to the model in every call; tensors of n rows follow their samples.
        chunk: samples a batch. The last one is padded, so the model sees one batch size only. By default as many
            as fit in about a gigabyte of state.
        grad: keep the graph; otherwise nothing is recorded.
        trajectory: keep the state after every step.
        callback: called with every `State`; a true answer stops the run, which can be resumed.
        progress: called with (steps done, steps in all).
        resume: a stopped result or the file it was saved in; goes on bit for bit with its settings.

    Returns:
        A `Result`.

    Raises:
        IncompatibleError: solver and process do not go together, with the reason.
        DomainError: an impossible grid.
        ModelError: the model or the solver produced values that are not finite; names the step.
        Interrupted: on Ctrl-C, with the partial result.

    """
    if resume is not None:
        run, pause = _resumed(resume, model)
    else:
        run, pause = _new_run(locals()), None
    run.callback, run.progress, run.grad, run.noise = callback, progress, grad, noise
    run.keep_trajectory, run.condition = trajectory, dict(condition or {})
    return run.go(pause)


def _new_run(given: dict[str, Any]) -> _Run:
    model, x = given["model"], given["x"]
    solver = registry.default().make("solver", given["solver"])
    n = _count(given["n"], x)
    shape = tuple(x.shape[1:]) if x is not None else given["shape"] if given["shape"] is not None else model.shape
    if shape is None:
        raise OptionError("The model does not say what shape its samples have: give shape=(...), or a start x=.")
    dtype = given["dtype"] or (x.dtype if x is not None else torch.get_default_dtype())
    if not dtype.is_floating_point:
        raise OptionError(f"dtype = {dtype} is not possible; a state is of floating point, e.g. torch.float32.")
    device = given["device"] if given["device"] is not None else (x.device if x is not None else "cpu")
    if given["start"] not in ("prior", "exact"):
        raise OptionError(f"start = {given['start']!r} is not possible; it is prior or exact.")
    return _Run(
        model=model, solver=solver, n=n, shape=tuple(shape), seed=int(given["seed"]), dtype=dtype, device=torch.device(device),
        grid=_grid(model, solver, given), start=given["start"], denoise=bool(given["denoise"]),
        chunk=_chunk(given["chunk"], n, tuple(shape), dtype, given["noise"]), given=x,
    )  # fmt: skip


def _count(n: int | None, x: Tensor | None) -> int:
    if x is None:
        n = 1 if n is None else n
        if n < 1:
            raise OptionError(f"n = {n} is not possible; it takes a whole number >= 1.")
        return n
    if n is not None and n != len(x):
        raise OptionError(f"n = {n}, but the given start has {len(x)} samples; leave n out.")
    return len(x)


def _chunk(chunk: int | None, n: int, shape: tuple[int, ...], dtype: torch.dtype, noise: Any) -> int:
    if noise is not None:
        if chunk is not None and chunk < n:
            raise OptionError("A given noise serves one batch: leave chunk out, or give a seed.")
        return n
    if chunk is None:
        each = max(1, torch.Size(shape).numel() * dtype.itemsize * COPIES)
        return min(n, max(1, MAX_BYTES // each))
    if chunk < 1:
        raise OptionError(f"chunk = {chunk} is not possible; it takes a whole number >= 1.")
    return chunk


def _grid(model: ScoreModel, solver: Solver, given: dict[str, Any]) -> Grid:
    """The grid that steps, nfe and grid ask for together."""
    rule, steps, nfe = given["grid"], given["steps"], given["nfe"]
    if steps is not None and nfe is not None:
        raise OptionError("Give steps or nfe, not both.")
    if steps is not None and (steps != int(steps) or steps < 1):
        raise OptionError(f"steps = {steps} is not possible; it takes a whole number >= 1.")
    explicit = isinstance(rule, Grid | Tensor) or (isinstance(rule, Sequence) and not isinstance(rule, str))
    if explicit:
        grid = rule if isinstance(rule, Grid) else Grid(model.sde, [float(t) for t in rule])
        if nfe is not None or (steps is not None and steps != grid.steps):
            raise OptionError(f"Explicit times already make {grid.steps} steps: leave steps and nfe out.")
        return grid
    if nfe is not None:
        steps = steps_for(solver, nfe, cost=model.cost, denoise=bool(given["denoise"]))
    rule = registry.default().make("grid", rule if rule is not None else model.sde.default_grid)
    return rule.make_grid(model.sde, int(steps) if steps is not None else 20)


def steps_for(solver: Solver, nfe: int, cost: int = 1, denoise: bool = False) -> int:
    """The most steps of ``solver`` whose evaluations, the denoise included, are at most ``nfe``."""
    calls = nfe // cost - bool(denoise)
    first = solver.nfe(1)
    if first is None:
        raise OptionError(
            f"{solver} chooses its own steps, so it takes no budget: set its rtol and atol instead of nfe."
        )
    steps = 0
    while (each := solver.nfe(steps + 1)) is not None and each <= calls:
        steps += 1
    if steps < 1:
        least = (first + bool(denoise)) * cost
        raise OptionError(f"nfe = {nfe} does not pay for one step of {solver}, which takes {least} evaluations.")
    return steps


def _resumed(resume: Any, model: ScoreModel) -> tuple[_Run, Pause]:
    result = resume if isinstance(resume, Result) else Result.load(resume)
    pause = result.pause
    if pause is None:
        raise OptionError("That run is finished; there is nothing to resume.")
    s = pause.settings
    run = _Run(
        model=model, solver=registry.default().make("solver", s["solver"]), n=s["n"], shape=tuple(s["shape"]), seed=s["seed"],
        dtype=getattr(torch, s["dtype"]), device=torch.device(s["device"]), grid=Grid(model.sde, s["grid"], s["smooth"]),
        start=s["start"], denoise=s["denoise"], chunk=s["chunk"], given=pause.given,
    )  # fmt: skip
    run.finished = [result.x] if len(result.x) else []
    run.earlier = dict(result.stats)
    return run, pause


@dataclass
class _Run:
    """One run: its settings, and the loop over chunks of samples."""

    model: ScoreModel
    solver: Solver
    n: int
    shape: tuple[int, ...]
    seed: int
    dtype: torch.dtype
    device: torch.device
    grid: Grid
    start: str
    denoise: bool
    chunk: int
    given: Tensor | None

    def __post_init__(self) -> None:
        self.finished: list[Tensor] = []
        self.earlier: dict[str, Any] = {}
        self.callback: Callable[[State], Any] | None = None
        self.progress: Callable[[int, int], None] | None = None
        self.grad = self.keep_trajectory = False
        self.noise: Noise | None = None
        self.condition: dict[str, Any] = {}
        reason = self.solver.supports(self.model.sde, self.grid)
        if reason:
            raise IncompatibleError(f"{self.solver} cannot run on {self.model.sde} here: {reason}.")

    # -- the loop ----------------------------------------------------------------------------------------------------

    def go(self, pause: Pause | None) -> Result:
        """Run all chunks from where ``pause`` left off."""
        chunks = range(0, self.n, self.chunk)
        first, state = (pause.chunk, pause.state) if pause else (0, None)
        self.began = perf_counter()
        self.calls, self.model_seconds, self.steps = self.earlier.get("calls", 0), 0.0, 0
        self.nfe = 0
        self.reports: list[dict[str, Any]] = []
        paths: list[Tensor] = []
        with contextlib.nullcontext() if self.grad else torch.no_grad():
            for number in range(first, len(chunks)):
                self.number, self.last = number, state
                try:
                    done = self._chunk(range(chunks[number], min(chunks[number] + self.chunk, self.n)), state)
                except KeyboardInterrupt:
                    raise Interrupted(self._stopped_words(), self._result(self._pause())) from None
                if done is None:
                    return self._result(self._pause())
                self.finished.append(done[0])
                if done[1] is not None:
                    paths.append(done[1])
                state = None
        path = torch.cat(paths, 1) if self.keep_trajectory else None
        return self._result(None, path)

    def _chunk(self, samples: range, state: State | None) -> tuple[Tensor, Tensor | None] | None:
        """Samples of one chunk and their path, or None if the callback stopped the run."""
        model = CountingModel(self._conditioned(samples))
        before = state.memory is not None or state.index > 0 if state else False
        already = self.earlier.get("calls_in_chunk", 0) if before else 0
        noise, x = self._begin(samples)
        path = [x] if self.keep_trajectory else []
        self.counter, self.already = model, already
        total = self.grid.steps
        for state in self.solver.solve(model, x, self.grid, noise, state):  # noqa: B020 (the state resumed from is spent)
            self.last = state
            self.steps += 1
            if self.keep_trajectory:
                path.append(state.x)
            if self.progress:
                self.progress(self.number * total + min(state.index, total), total * -(-self.n // self.chunk))
            if self.callback and self.callback(state):
                return None
        assert state is not None
        x = model(state.x, self.grid[-1]).x0 if self.denoise else state.x
        if not torch.isfinite(x).all():
            explain_nonfinite(self.solver, model.model, self._begin(samples), self.grid, samples)
        self._account(state)
        kept = slice(0, len(samples))
        return x[kept], torch.stack(path)[:, kept] if path else None

    def _begin(self, samples: range) -> tuple[Noise, Tensor]:
        """Noise and start of a chunk, padded to the chunk's size where there is more than one."""
        size = self.chunk
        ids = [*samples, *range(samples.stop, samples.start + size)]
        seeded = SeededNoise(self.seed, ids, self.shape, self.dtype, self.device)
        if self.given is not None:
            x = self.given[samples.start : samples.stop].to(self.device, self.dtype)
            x = torch.cat([x, x[-1:].expand(size - len(x), *self.shape)]) if len(x) < size else x
        elif self.start == "exact":
            draw = getattr(self.model, "draw", None)
            if draw is None:
                raise IncompatibleError(
                    "start=exact needs a model whose law is known (an analytic one); use start=prior."
                )
            x = draw(self.grid[0], seeded.start())
        else:
            x = seeded.start().fresh() * self.model.sde.prior_std(self.grid[0].t)
        return self.noise or seeded, x

    def _conditioned(self, samples: range) -> ScoreModel:
        if not self.condition:
            return self.model
        return Conditioned(self.model, {key: self._rows(value, samples) for key, value in self.condition.items()})

    def _rows(self, value: Any, samples: range) -> Any:
        if not isinstance(value, Tensor) or value.dim() == 0 or len(value) != self.n:
            return value
        rows = [min(i, self.n - 1) for i in range(samples.start, samples.start + self.chunk)]
        return value[rows]

    # -- accounts ----------------------------------------------------------------------------------------------------

    def _account(self, state: State) -> None:
        self.nfe = max(self.nfe, (self.counter.calls + self.already) * self.counter.cost)
        self.calls += self.counter.calls
        self.model_seconds += self.counter.seconds
        self.reports.append(self.solver.report(state))

    def _pause(self) -> Pause:
        settings = {
            "solver": str(self.solver), "n": self.n, "shape": list(self.shape), "seed": self.seed,
            "dtype": str(self.dtype).removeprefix("torch."), "device": str(self.device), "grid": self.grid.times,
            "smooth": self.grid.smooth, "start": self.start, "denoise": self.denoise, "chunk": self.chunk,
        }  # fmt: skip
        return Pause(settings, self.number, self.last, self.given)

    def _result(self, pause: Pause | None, path: Tensor | None = None) -> Result:
        x = torch.cat(self.finished) if self.finished else torch.empty(0, *self.shape, dtype=self.dtype)
        stats: dict[str, Any] = {
            "seconds": perf_counter() - self.began + self.earlier.get("seconds", 0.0),
            "model_seconds": self.model_seconds + self.earlier.get("model_seconds", 0.0),
            "calls": self.calls,
            "steps": self.steps + self.earlier.get("steps", 0),
        }
        if pause is not None:
            under_way = self.counter.calls + self.already
            stats |= {"calls_in_chunk": under_way, "calls": self.calls + self.counter.calls}
            stats["model_seconds"] += self.counter.seconds
        for key in self.reports[0] if self.reports else ():
            values = [report[key] for report in self.reports]
            stats[key] = torch.cat(values)[: self.n] if isinstance(values[0], Tensor) else sum(values)
        return Result(x, self.nfe, self.grid.times, self.seed, str(self.solver), stats, path, pause)

    def _stopped_words(self) -> str:
        done = sum(len(x) for x in self.finished)
        at = f" and {self.last.index} of {self.grid.steps} steps of the next" if self.last else ""
        return f"Stopped with {done} of {self.n} samples finished{at}; save the result and resume it to go on."
