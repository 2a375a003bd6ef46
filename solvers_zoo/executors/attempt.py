"""One task, one try: what it gives, or why it gave nothing. Every executor's workers call this."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from solvers_zoo.errors import Interrupted, NotFiniteError
from solvers_zoo.executors.base import Failure, words

T = TypeVar("T")
R = TypeVar("R")

#: Seconds after which a task that swallowed the end of its time is told again.
_AGAIN = 1.0
#: What torch says in a plain RuntimeError where the machine has no memory left.
_NO_MEMORY = ("can't allocate memory", "not enough memory")


class _OutOfTime(BaseException):
    """Not an Exception: what a task catches of its own errors must not catch this."""


def attempt(task: Callable[[T], R], item: T, limit: float | None = None) -> R | Failure:
    """Call ``task(item)``; whatever it raises becomes a `Failure`.

    Args:
        task: a function.
        item: what it is given.
        limit: seconds it may take. Kept by a signal, so only in the main thread of a process and where the system has timers; a
            task that is inside a long call of C hears of it when the call returns, and executors with workers end it from outside.

    Raises:
        KeyboardInterrupt: on Ctrl-C.

    """
    timed = limit is not None and hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    try:
        return _within(limit, task, item) if timed and limit is not None else task(item)
    except _OutOfTime:
        assert limit is not None
        return Failure.timeout(limit)
    except (KeyboardInterrupt, Interrupted):
        raise KeyboardInterrupt from None
    except BaseException as error:  # a task that exits the interpreter has failed too
        return failure(error)


def failure(error: BaseException) -> Failure:
    """An exception as a reason for which there is no result."""
    if isinstance(error, NotFiniteError):
        kind = "nan"
    elif isinstance(error, MemoryError) or _is_memory(error):
        kind = "memory"
    else:
        kind = "error"
    return Failure(kind, words(error), "".join(traceback.format_exception(error)))


def _is_memory(error: BaseException) -> bool:
    """Whether it is torch's: a class of its own on accelerators, a RuntimeError with some words on the CPU."""
    names = {cls.__name__ for cls in type(error).__mro__}
    return "OutOfMemoryError" in names or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in _NO_MEMORY)
    )


def _within(limit: float, task: Callable[[T], R], item: T) -> R:
    over = False

    def ring(*_: Any) -> None:
        if not over:
            raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    earlier = signal.setitimer(signal.ITIMER_REAL, max(limit, 1e-6), _AGAIN)
    try:
        try:
            return task(item)
        finally:
            over = True  # from here on a ring says nothing
    finally:  # a ring between the two lines above ends here as well
        over = True
        signal.setitimer(signal.ITIMER_REAL, *earlier)
        signal.signal(signal.SIGALRM, before)
