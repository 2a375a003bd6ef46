"""One task after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from solvers_zoo.executors.attempt import attempt
from solvers_zoo.executors.base import Executor, Failure
from solvers_zoo.registry.card import ExecutorCard, Source

T = TypeVar("T")
R = TypeVar("R")


class Serial(Executor):
    """One task after the other, in this process.

    Nothing is started and nothing is sent, so it is the way to debug a task. What ends the process (a crash in C, the system's
    out-of-memory killer) ends the run; `processes` survives that.
    """

    card = ExecutorCard(
        name="serial",
        title="One after the other, in this process",
        source=Source(authors="The Python authors", title="signal", where="setitimer"),
    )

    @property
    def slots(self) -> int:
        """One."""
        return 1

    def run(
        self, task: Callable[[T], R], items: Sequence[T], limit: float | None = None
    ) -> Generator[tuple[int, R | Failure], None, None]:
        """See `Executor.run`; the time limit is kept in the main thread only."""
        for index, item in enumerate(items):
            yield index, attempt(task, item, limit)
