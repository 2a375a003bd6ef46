"""What an executor is: it runs one function on many items, and goes on when an item fails.

An executor is a class with one method:

    class Serial(Executor):
        card = ExecutorCard(name="serial", title="One after the other, here", source=...)

        def run(self, task, items, limit=None):
            for index, item in enumerate(items):
                yield index, attempt(task, item, limit)
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from solvers_zoo.registry.card import ExecutorCard
from solvers_zoo.registry.options import Configurable

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Failure:
    """A task that gave nothing, and why."""

    kind: str
    """``error`` (an exception), ``nan``, ``memory``, ``timeout`` or ``lost`` (its worker died more than once)."""
    reason: str
    """One sentence for people."""
    traceback: str = ""

    @classmethod
    def timeout(cls, limit: float, traceback: str = "") -> Failure:
        """Of a task that was ended because of its time limit, in seconds."""
        return cls("timeout", f"It took longer than the {limit:g} s that it may take.", traceback)

    @classmethod
    def lost(cls, cause: str) -> Failure:
        """Of a task whose workers died; ``cause`` is how the last one did, ``"by SIGKILL"``."""
        return cls("lost", f"Its worker died in each of {Executor.tries} tries, at last {cause}.")


class Executor(Configurable):
    """Runs a function on items, in any order, each at most once at a time. Its fields are its options."""

    card: ClassVar[ExecutorCard]
    #: How often a task is begun before it is given up because its workers died.
    tries: ClassVar[int] = 2
    #: Seconds that a task which is out of time has for hearing of it, before its worker is ended.
    grace: ClassVar[float] = 2.0

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many tasks run at a time; a guess where a cluster decides."""

    @abstractmethod
    def run(
        self, task: Callable[[T], R], items: Sequence[T], limit: float | None = None
    ) -> Generator[tuple[int, R | Failure], None, None]:
        """Yield (index of the item, what the task gave or why it gave nothing) as they finish.

        A task that raises, runs out of memory or lasts longer than ``limit`` seconds is a `Failure` and stops no other. A worker
        that dies loses its own task only, which is tried once more. Closing the iterator (or Ctrl-C) stops all workers.

        Args:
            task: a picklable function (a module's own, or a `functools.partial` of one); each worker has one thread of torch.
            items: picklable.
            limit: seconds a task may take.

        Raises:
            ZooError: what the executor needs is not there; says how to get it.

        """

    def supports(self) -> str:
        """Why it cannot run here (the words end a sentence), or ``""``; checked before anything is computed."""
        return ""

    @staticmethod
    def cores() -> int:
        """How many cores of this machine the process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def words(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return text if type(error).__module__.startswith("solvers_zoo") and text else f"{type(error).__name__}: {text}"
