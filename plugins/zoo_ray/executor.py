"""Tasks as tasks of Ray, on this machine or a cluster."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from solvers_zoo import Executor, ExecutorCard, Source, ZooError, option
from solvers_zoo.executors import BEGUN, Failure, Tries, carry_out, one_thread, open_result, pack_items, pack_task

T = TypeVar("T")
R = TypeVar("R")

#: Tasks that Ray is given at a time where its user does not say: enough for a cluster to grow with them.
_MANY = 1000
_HERE = "local"
#: Seconds that a cluster has for taking a connection.
_PATIENCE = 10.0


class Ray(Executor):
    """Tasks as tasks of Ray, on this machine or a cluster.

    ``address=auto`` joins the cluster that this machine belongs to, ``address=ray://host:10001`` one elsewhere; without an address a
    Ray of its own is started here and stays until this process ends. Ray's workers stay warm between tasks; one that is killed, or
    whose machine goes, loses its own task only, which is tried once more.
    """

    address: str = option("", help="auto, ray://host:port, or nothing for a Ray of its own on this machine")
    workers: int | None = option(
        None, kind="int", low=1, help="most tasks at a time; by default as many as there are cores"
    )
    num_cpus: float = option(1.0, low=0.0, help="cores a task; it has one thread")
    num_gpus: float = option(0.0, low=0.0, help="GPUs a task; 0.25 puts four on one")
    memory: float | None = option(None, kind="float", above=0, help="GB a task")

    card = ExecutorCard(
        name="ray",
        title="Ray, here or on a cluster",
        source=Source(
            authors="Moritz et al. 2018",
            title="Ray: A Distributed Framework for Emerging AI Applications",
            arxiv="1712.05889",
            where="Section 3.1",
        ),
        extra="ray",
    )

    @property
    def slots(self) -> int:
        """Most tasks at a time; where none is set, the cores here or a guess at those of a cluster."""
        return self.workers or (_MANY if self.address else self.cores())

    def supports(self) -> str:
        """Whether ray is installed, and somebody answers at the address."""
        if importlib.util.find_spec("ray") is None:
            return 'ray is not installed; pip install "solvers-zoo[ray]" fixes that'
        import socket

        try:
            place = urlsplit(self.address if "//" in self.address else f"//{self.address}")
            if place.hostname and place.port:  # where nobody answers, Ray itself would end this process
                socket.create_connection((place.hostname, place.port), timeout=_PATIENCE).close()
        except (OSError, ValueError) as error:
            return f"nobody answers at {self.address} ({error})"
        return ""

    def run(
        self, task: Callable[[T], R], items: Sequence[T], limit: float | None = None
    ) -> Generator[tuple[int, R | Failure], None, None]:
        """See `Executor.run`.

        Raises:
            OptionError: a task that cannot be sent.
            ZooError: no cluster at that address, or a Ray that does not start.

        """
        return _Run(self, pack_task(task), Tries(pack_items(items)), limit).results()

    def join(self) -> None:
        """Connect this process to Ray, and start that if need be."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody unless the user wants it
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray's new way; it warns of the old one
        import logging

        import ray

        if ray.is_initialized():
            return
        size: dict[str, Any] = {"num_cpus": self.slots * max(1, round(self.num_cpus)), "include_dashboard": False}
        try:
            with _quietly():
                ray.init(
                    self.address or _HERE,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **({} if self.address else size),
                )
        except Exception as error:
            where = f"at {self.address}" if self.address else "on this machine"
            said = " ".join(str(error).split())
            raise ZooError(f"There is no Ray {where} to work with: {said}") from error

    def remote(self) -> Any:
        """What Ray runs for every task; it says when the task begins, and then its result."""
        import ray

        wanted: dict[str, Any] = {"num_cpus": self.num_cpus, "num_gpus": self.num_gpus}
        if self.memory is not None:
            wanted["memory"] = int(self.memory * 2**30)
        return ray.remote(max_retries=0, num_returns="streaming", **wanted)(_serve)


def _serve(task: bytes, item: bytes, limit: float | None) -> Iterator[bytes]:
    """In a worker of Ray."""
    one_thread()
    yield from carry_out(task, item, limit, watchdog=True)


class _Run:
    """The items of one run, and those that Ray is at."""

    def __init__(self, ray: Ray, task: bytes, tries: Tries, limit: float | None) -> None:
        self.ray, self.task, self.tries, self.limit = ray, task, tries, limit
        self.under_way: dict[Any, int] = {}
        self.began: dict[int, float] = {}

    def results(self) -> Generator[tuple[int, Any], None, None]:
        """Items and what became of them, as they finish."""
        yield from self.tries.unsent
        waiting = self.tries.waiting
        if not waiting:
            return
        self.ray.join()
        import ray

        serve, task = self.ray.remote(), ray.put(self.task)
        most = self.ray.workers or _MANY
        try:
            while waiting or self.under_way:
                while waiting and len(self.under_way) < most:
                    number = waiting.popleft()
                    self.under_way[serve.remote(task, self.tries.items[number], self.limit)] = number
                ready, _ = ray.wait(list(self.under_way), num_returns=1)
                for stream in ready:
                    yield from self._heard(stream)
        finally:
            for stream in self.under_way:
                ray.cancel(stream, force=True)
            if self.under_way and not self.ray.address:
                ray.shutdown()

    def _heard(self, stream: Any) -> Iterator[tuple[int, Any]]:
        """The next word of a task, which may be its last."""
        import ray
        from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

        number = self.under_way[stream]
        try:
            said = ray.get(next(stream))
        except RayTaskError as error:
            found: Any = Failure("error", f"Ray could not run it: {' '.join(str(error.cause).split())}", str(error))
        except OutOfMemoryError:
            found = self._lost(number, Failure("memory", "Ray ended it because its machine ran out of memory."))
        except (RayError, StopIteration) as error:
            found = self._lost(number, Failure.lost(f"by {type(error).__name__}"))
        else:
            if said == BEGUN:
                self.began[number] = time.monotonic()
                return
            found = open_result(said)
        del self.under_way[stream]
        if found is not None:
            yield number, found

    def _lost(self, number: int, failure: Failure) -> Failure | None:
        """The reason why a task is given up, if it is; else it is tried again."""
        began = self.began.pop(number, None)
        if self.limit is not None and began is not None and time.monotonic() - began > self.limit + Executor.grace / 2:
            return Failure.timeout(self.limit)  # its own watchdog ended it
        return self.tries.lost(number, failure)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """While Ray starts: without the thread that prints what it has to say among the results on stdout."""
    from ray._private import worker

    listen: Any = getattr(worker, "listen_error_messages", None)  # private: should it go, Ray is only louder
    worker.listen_error_messages = lambda *_: None
    try:
        yield
    finally:
        worker.listen_error_messages = listen
