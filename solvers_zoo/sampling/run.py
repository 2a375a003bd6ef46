"""The loop: chunk by chunk and step by step, counted, and ready to stop after any step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from solvers_zoo.errors import Interrupted, ModelError
from solvers_zoo.sampling.diagnose import explain_nonfinite
from solvers_zoo.sampling.merge import join_reports
from solvers_zoo.sampling.result import Pause, Result
from solvers_zoo.score_models.wrappers.counting import CountingModel

if TYPE_CHECKING:
    from solvers_zoo.sampling.job import Job
    from solvers_zoo.solving.stepping import State


class _Cost(NamedTuple):
    """Batched model calls, the time in them, and steps."""

    calls: int = 0
    model_seconds: float = 0.0
    steps: int = 0


class _Done(NamedTuple):
    """The results of finished chunks, without their rows of padding."""

    x: Tensor
    nfe: int
    cost: _Cost
    report: dict[str, object]
    path: Tensor | None


class _Reached(NamedTuple):
    """The last whole step of the chunk under way, and what the chunk has cost so far."""

    chunk: int
    state: State
    cost: _Cost


class Run:
    """One run of a job; ``grad``, ``callback`` and ``progress`` are as in `sample`."""

    def __init__(
        self,
        job: Job,
        grad: bool = False,
        callback: Callable[[State], object] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.job, self.grad, self.callback, self.progress = job, grad, callback, progress
        self.began, self.earlier = perf_counter(), 0.0
        self.first = 0
        self.done: list[_Done] = []
        self._last: tuple[int, State, tuple[int, float, int]] | None = None
        self.path: list[Tensor] = []

    def go(self, stopped: Result | None = None) -> Result:
        """Run all chunks, from where ``stopped`` was left."""
        if stopped is not None:
            self._take_up(stopped)
        with contextlib.nullcontext() if self.grad else torch.no_grad():
            try:
                while self._number < self.job.chunks:
                    done = self._chunk(self._number)
                    if done is None:
                        return self._stopped()
                    self.done.append(done)
            except KeyboardInterrupt:
                raise Interrupted(self._words(), self._stopped()) from None
            return self._result()

    @property
    def reached(self) -> _Reached | None:
        """How far the run has come; the loop keeps plain tuples, as a named one takes longer to make."""
        return None if self._last is None else _Reached(*self._last[:2], _Cost(*self._last[2]))

    @property
    def _number(self) -> int:
        """The chunk under way."""
        return self.first + len(self.done)

    # -- a chunk -----------------------------------------------------------------------------------------------------

    def _chunk(self, number: int) -> _Done | None:
        """Carry one chunk through the grid; None if the callback stopped the run."""
        job, solver, progress, callback, total = (
            self.job,
            self.job.solver,
            self.progress,
            self.callback,
            self.job.grid.steps,
        )
        model = CountingModel(job.conditioned(number))
        noise, x = job.begin(number)
        state, steps = None, 0
        if self._last is not None and self._last[0] == number:
            _, state, (model.calls, model.seconds, steps) = self._last
        else:
            self.path = [x] if job.trajectory else []
        states = solver.solve(model, x, job.grid, noise, state)
        del x  # a solver lets go of the start after its first step, and so does this loop
        for state in states:
            steps += 1
            if job.trajectory:
                self.path.append(state.x)
            self._last = number, state, (model.calls, model.seconds, steps)
            if progress is not None:
                progress(number * total + min(state.index, total), job.chunks * total)
            if callback is not None and callback(state):
                return None
        assert state is not None, "a solver yields at least one state"
        x = model(state.x, job.grid[-1]).x0 if job.denoise else state.x
        kept = slice(0, len(job.samples(number)))
        self._check(x, number, kept)
        report = {
            key: value[kept] if isinstance(value, Tensor) else value for key, value in solver.report(state).items()
        }
        path = torch.stack(self.path)[:, kept] if job.trajectory else None
        return _Done(x[kept], model.nfe, _Cost(model.calls, model.seconds, steps), report, path)

    def _check(self, x: Tensor, number: int, kept: slice) -> None:
        """Refuse what is no result; a row of padding may be anything."""
        job = self.job
        shape = (job.chunk, *job.shape)
        if x.shape != shape or x.dtype is not job.dtype:
            raise ModelError(
                f"{job.solver} gave a state of shape {tuple(x.shape)} and {x.dtype} for one of {shape} and {job.dtype}: "
                "the model's prediction or the noise is not of the state's shape and dtype."
            )
        x = x[kept]
        if (x - x).sum() != 0:  # 0 - or NaN where a value is not finite - in a tenth of the time of `isfinite`
            explain_nonfinite(
                job.solver, job.conditioned(number), job.begin(number), job.grid, job.samples(number), job.denoise
            )

    # -- accounts ----------------------------------------------------------------------------------------------------

    def _take_up(self, stopped: Result) -> None:
        """Stand where the stopped run stood."""
        pause, stats = stopped.pause, dict(stopped.stats)
        assert pause is not None
        self.first, self.earlier = pause.chunk, stats.pop("seconds")
        stats.pop("fit_nfe", None)
        spent = _Cost(**pause.spent)
        cost = _Cost(*(stats.pop(name) - part for name, part in pause.spent.items()))
        if len(stopped.x):
            self.first -= 1  # what is finished counts as one chunk
            self.done = [_Done(stopped.x, stopped.nfe, cost, stats, stopped.trajectory)]
        if pause.state is not None:
            self._last = pause.chunk, pause.state, spent
            self.path = list(pause.path) if pause.path is not None else []

    def _stopped(self) -> Result:
        """The result as it stands, with what it takes to go on."""
        job, reached = self.job, self.reached
        if reached is not None and (reached.chunk != self._number or not job.solver.facts().resumable):
            reached = None  # the chunk has not begun, or begins anew
        state, cost = (reached.state, reached.cost) if reached else (None, _Cost())
        path = torch.stack(self.path[: cost.steps + 1]) if job.trajectory and reached else None
        return self._result(Pause(job.settings(), self._number, state, cost._asdict(), job.x, path), cost)

    def _result(self, pause: Pause | None = None, under_way: _Cost = _Cost()) -> Result:  # noqa: B008 (immutable)
        job, done = self.job, self.done
        none = torch.empty(0, *job.shape, dtype=job.dtype, device=job.device)
        costs = [under_way, *(part.cost for part in done)]
        stats: dict[str, Any] = {"seconds": perf_counter() - self.began + self.earlier}
        stats |= _Cost(*map(sum, zip(*costs, strict=True)))._asdict()
        if job.fit_nfe:
            stats["fit_nfe"] = job.fit_nfe
        stats |= join_reports([part.report for part in done])
        return Result(
            x=torch.cat([part.x for part in done]) if done else none,
            nfe=max([under_way.calls * job.model.cost, *(part.nfe for part in done)]),
            grid=job.grid.times,
            seed=job.seed,
            solver=str(job.solver),
            stats=stats,
            trajectory=_side_by_side([part.path for part in done if part.path is not None]),
            pause=pause,
        )

    def _words(self) -> str:
        finished = sum(len(part.x) for part in self.done)
        at = ""
        reached = self.reached
        if reached is not None and reached.chunk == self._number:
            at = f" and {reached.cost.steps} steps of the next"
        return f"Stopped with {finished} of {self.job.n} samples finished{at}; save the result and resume it to go on."


def _side_by_side(paths: list[Tensor]) -> Tensor | None:
    """The paths of all chunks as one; where chunks took different numbers of steps, a last state stands still."""
    if not paths:
        return None
    steps = max(len(path) for path in paths)
    return torch.cat([torch.cat([path, path[-1:].expand(steps - len(path), *path.shape[1:])]) for path in paths], 1)
