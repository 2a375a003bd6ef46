"""Tasks in processes of this machine: a task that crashes ends its own process, and nothing else."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

from solvers_zoo.errors import ZooError
from solvers_zoo.executors.base import Executor, Failure
from solvers_zoo.executors.parcel import open_result, pack_items, pack_task
from solvers_zoo.executors.tries import Tries
from solvers_zoo.executors.worker import Worker
from solvers_zoo.registry.card import ExecutorCard, Source
from solvers_zoo.registry.options import option

T = TypeVar("T")
R = TypeVar("R")


class Processes(Executor):
    """Tasks in processes of this machine, with one thread each, and one GPU each where there are some.

    Workers are started by loky, import torch once and stay for the next run while they are needed soon. One that dies loses its own
    task only, which is tried once more; one that hangs in a library past its time limit is killed. None outlives this process.
    """

    workers: int | None = option(
        None, kind="int", low=1, help="processes; by default as many as there are GPUs, or else cores"
    )

    card = ExecutorCard(
        name="processes",
        title="Local processes, one thread and one GPU each",
        source=Source(authors="The joblib developers", title="loky", where="loky.backend"),
        aliases=("local",),
    )

    @property
    def slots(self) -> int:
        """Number of processes."""
        return self.workers if self.workers is not None else len(_gpus()) or self.cores()

    def run(
        self, task: Callable[[T], R], items: Sequence[T], limit: float | None = None
    ) -> Generator[tuple[int, R | Failure], None, None]:
        """See `Executor.run`.

        Raises:
            OptionError: a task that cannot be sent.
            ZooError: workers that do not start.

        """
        return _Run(pack_task(task), Tries(pack_items(items)), limit).results(min(self.slots, len(items)))


class _Run:
    """The items of one run and who is at them."""

    def __init__(self, task: bytes, tries: Tries, limit: float | None) -> None:
        self.task, self.tries, self.limit = task, tries, limit
        self.workers: list[Worker] = []

    def results(self, slots: int) -> Generator[tuple[int, Any], None, None]:
        """Items and what became of them, as they finish."""
        finished = False
        try:
            yield from self.tries.unsent
            self.workers = _hire(min(slots, len(self.tries.waiting)))
            for worker in list(self.workers):
                self._occupy(worker)
            while any(worker.job is not None for worker in self.workers):
                for worker in self._news():
                    yield from self._heard(worker)
            finished = True
        finally:
            _release(self.workers, keep=finished)

    def _occupy(self, worker: Worker) -> None:
        """Give a worker the next task; one that died while it had none is replaced first."""
        if not self.tries.waiting:
            return
        if worker.process.exitcode is not None:
            worker = self._replace(worker)
        number = self.tries.waiting.popleft()
        worker.give(number, self.task, self.tries.items[number], self.limit, Executor.grace)

    def _replace(self, worker: Worker) -> Worker:
        worker.kill()
        new = self.workers[self.workers.index(worker)] = Worker(worker.place, _environment(worker.place))
        return new

    def _news(self) -> list[Worker]:
        """Wait for workers to say something, die, or be overdue."""
        from multiprocessing.connection import wait

        busy = [worker for worker in self.workers if worker.job is not None]
        deadlines = [worker.deadline for worker in busy if worker.deadline is not None]
        patience = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        sources = {source: worker for worker in busy for source in (worker.pipe, worker.process.sentinel)}
        ready = {id(sources[source]) for source in wait(list(sources), patience)}
        return [worker for worker in busy if id(worker) in ready or worker.overdue]

    def _heard(self, worker: Worker) -> Iterator[tuple[int, Any]]:
        """What a worker has to say, and its next task."""
        number = worker.job
        assert number is not None
        try:
            if not worker.pipe.poll() and (worker.overdue or worker.process.exitcode is not None):
                raise EOFError
            said = worker.hear()
        except EOFError:
            lost = self._lost(worker, number)
            if lost is not None:
                yield number, lost
            return
        if said is not None:
            self._occupy(worker)  # before anybody looks at the result
            yield number, open_result(said)

    def _lost(self, worker: Worker, number: int) -> Failure | None:
        """Put another worker in the place of one that is dead or overdue; the reason why its task is given up, if it is."""
        hung = worker.overdue
        status = worker.kill(patience=0.0 if hung else 1.0)
        if not worker.ready and status is not None and status >= 0:
            raise ZooError(
                f"A worker process ended with status {status} while it started; what it said is above. "
                "--executor serial does without workers."
            )
        if hung and self.limit is not None:
            reason: Failure | None = Failure.timeout(self.limit)
        else:
            reason = self.tries.lost(number, Failure.lost(_cause(status)))
        if self.tries.waiting:
            self._occupy(worker)
        else:
            self.workers.remove(worker)
        return reason


def _cause(status: int | None) -> str:
    if status is None:
        return "for no known reason"
    if status >= 0:
        return f"with exit status {status}"
    name = signal.Signals(-status).name
    return f"by {name}" + (
        " (which is also how the system ends what takes too much memory)" if name == "SIGKILL" else ""
    )


# -- workers between runs ------------------------------------------------------------------------------------------

#: Workers that have nothing to do, and what they know of this process that may have changed when they are needed again.
_resting: list[tuple[Any, Worker]] = []


def _hire(count: int) -> list[Worker]:
    """So many workers: those that rest, if they still fit, and new ones."""
    around = _surroundings()
    rested = [worker for known, worker in _resting if known == around and worker.process.is_alive()]
    _release([worker for _, worker in _resting if worker not in rested], keep=False)
    taken = sorted(rested, key=lambda worker: worker.place)[:count]
    _resting[:] = [(around, worker) for worker in rested if worker not in taken]
    free = sorted(set(range(count)) - {worker.place for worker in taken})
    return taken + [Worker(place, _environment(place)) for place in free[: count - len(taken)]]


def _release(workers: Sequence[Worker], keep: bool) -> None:
    for worker in workers:
        if keep and worker.job is None:
            _resting.append((_surroundings(), worker))
        else:
            worker.kill()


def _surroundings() -> Any:
    """What a worker takes over from its parent when it is started."""
    return os.getpid(), os.getcwd(), list(sys.path), dict(os.environ)


@atexit.register
def _dismiss() -> None:
    """No worker waits for a parent that is gone."""
    if _resting and _resting[0][0][0] == os.getpid():  # not in a forked child
        _release([worker for _, worker in _resting], keep=False)
        _resting.clear()


# -- the machine ---------------------------------------------------------------------------------------------------


def _gpus() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    import torch

    count = torch.cuda.device_count()
    listed = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return listed[:count] or [str(number) for number in range(count)]


def _environment(place: int) -> dict[str, str]:
    """That of a worker: a GPU of its own where there are some, in turn where there are fewer than workers."""
    gpus = _gpus()
    return {"CUDA_VISIBLE_DEVICES": gpus[place % len(gpus)]} if gpus else {}
