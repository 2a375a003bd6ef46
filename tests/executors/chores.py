"""Tasks for executors: each item is a word and what it needs."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import solvers_zoo as zoo


def chore(item: tuple[str, Any]) -> Any:
    """Do what the item says."""
    what, given = item
    return globals()[f"_{what}"](given)


def _echo(given: Any) -> Any:
    return given, 2 * given


def _raise(given: str) -> None:
    raise ValueError(given)


def _exit(_: Any) -> None:
    sys.exit(3)


def _nan(_: Any) -> None:
    raise zoo.NotFiniteError("values that are not finite in step 1 of 2")


def _memory(_: Any) -> None:
    raise MemoryError("numpy says so")


def _torch_memory(_: Any) -> None:
    import torch

    torch.empty(2**55)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _swallow(seconds: float) -> None:
    """Ignores every exception, and even the first that is none: what it is told of the end of its time."""
    until, deaf = time.monotonic() + seconds, True
    while time.monotonic() < until:
        try:
            time.sleep(0.01)
        except Exception:
            continue
        except BaseException:
            if not deaf:
                raise
            deaf = False


def _hang(_: Any) -> None:
    """In C, with the interpreter locked: no signal is heard."""
    sum(itertools.repeat(0))


def _die(_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_once(mark: str) -> str:
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def _unsendable(_: Any) -> Any:
    return threading.Lock()


def _threads(_: Any) -> tuple[int, str | None]:
    import torch

    return torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")


def _place(_: Any) -> tuple[int, str | None]:
    time.sleep(0.3)  # long enough for the other worker to take one too
    return os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES")


def _print(given: str) -> None:
    print(given)


def _stop(_: Any) -> None:
    """As Ctrl-C does, where the task is in the process that leads."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


def _stop_the_job(_: Any) -> None:
    """As somebody with other plans for the machine does."""
    own = os.environ["SLURM_JOB_ID"]
    if "SLURM_ARRAY_TASK_ID" in os.environ:  # one task's own number may be that of the whole array
        own = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    subprocess.run(["scancel", own], check=True)
    time.sleep(600)


def _stop_the_job_once(mark: str) -> str:
    if not Path(mark).exists():
        Path(mark).touch()
        _stop_the_job(None)
    return "alive"


def _tell_and_wait(folder: str) -> None:
    """Say who it is and stay."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)
