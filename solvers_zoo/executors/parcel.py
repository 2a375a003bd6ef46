"""What is sent to workers in other processes and on other machines, and what comes back: bytes, made and opened here only.

Functions of modules travel by name, others (lambdas, those of a script or a notebook) by value.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from solvers_zoo.errors import OptionError
from solvers_zoo.executors.attempt import attempt
from solvers_zoo.executors.base import Executor, Failure, words

#: What `carry_out` says before the result.
BEGUN = b"begun"
#: Threads of every numerics library that torch or numpy may sit on; to be set before they are imported.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")}


def pack_task(task: Callable[[Any], Any]) -> bytes:
    """A function, and where its modules and files are found, as bytes.

    Raises:
        OptionError: it holds something that cannot be sent.

    """
    try:
        return _dumps((os.getcwd(), [os.path.abspath(folder) for folder in sys.path], _dumps(task)))
    except Exception as error:
        raise OptionError(
            f"The task cannot be sent to another process ({words(error)}); make it a function of a module, and have it open "
            "files, locks and the like itself."
        ) from error


def pack_items(items: Sequence[Any]) -> list[bytes | Failure]:
    """Every item as bytes, or why it cannot be sent."""
    return [_packed(item, "The item cannot be sent to another process") for item in items]


def carry_out(task: bytes, item: bytes, limit: float | None, watchdog: bool = False) -> Iterator[bytes]:
    """In the worker: try a task on an item.

    Args:
        task: from `pack_task`.
        item: from `pack_items`.
        limit: seconds that the task may take, without the time that its modules take to be imported.
        watchdog: end this process, with a trace of where it is on stderr, if the task goes on for long after its limit; for workers
            that nobody watches from outside.

    Yields:
        `BEGUN` once the task begins, and then its result, for `open_result`.

    """
    import faulthandler

    found: Any
    try:
        parcel = _loaded(task), _loads(item)
    except Exception as error:
        yield _dumps(Failure("error", f"The worker cannot read what it was sent ({words(error)})."))
        return
    yield BEGUN
    watched = watchdog and limit is not None
    if watched and limit is not None:
        faulthandler.dump_traceback_later(limit + Executor.grace, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        found = attempt(*parcel, limit)
    finally:
        if watched:
            faulthandler.cancel_dump_traceback_later()
    sent = _packed(found, "What the task gave cannot be sent back")
    yield sent if isinstance(sent, bytes) else _dumps(sent)


def open_result(data: bytes) -> Any:
    """A result, or a `Failure`."""
    try:
        return _loads(data)
    except Exception as error:
        return Failure("error", f"What the task gave cannot be read here ({words(error)}).")


@functools.cache
def one_thread() -> None:
    """In the worker: have torch, which is imported now, work with one thread."""
    os.environ.update(ONE_THREAD)
    import torch

    torch.set_num_threads(1)


def _dumps(value: Any) -> bytes:
    import cloudpickle

    data: bytes = cloudpickle.dumps(value)
    return data


def _loads(data: bytes) -> Any:
    import pickle  # here, as `zoo list` imports this module and sends nothing

    return pickle.loads(data)


def _packed(value: Any, complaint: str) -> bytes | Failure:
    try:
        return _dumps(value)
    except Exception as error:
        return Failure("error", f"{complaint} ({words(error)}).")


@functools.lru_cache(maxsize=1)
def _loaded(task: bytes) -> Callable[[Any], Any]:
    """The function, in surroundings like those it was sent from as far as this machine has them."""
    here, path, function = _loads(task)
    sys.path += [folder for folder in path if folder not in sys.path]
    if os.path.isdir(here):
        os.chdir(here)
    made: Callable[[Any], Any] = _loads(function)
    return made
