"""A worker: a process that imports torch once and then does one task after the other until its parent is gone.

Parent and child speak over a pipe. The child says `READY` once, and then what `carry_out` says of every task. It dies with its parent,
however that ends: the kernel kills it (Linux), and the pipe ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from solvers_zoo.executors.parcel import BEGUN, ONE_THREAD, carry_out, one_thread

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

READY = b"ready"
_PR_SET_PDEATHSIG = 1
#: Seconds after which a worker that nobody asks anything goes.
_IDLE = 60.0


def serve(pipe: Connection, parent: int) -> None:
    """In the child: work until the parent is gone or has nothing to do for long."""
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    os.dup2(2, 1)  # what plugins print must not end up in the parent's result
    one_thread()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send_bytes(READY)
        while pipe.poll(_IDLE):
            for message in carry_out(*pipe.recv()):
                pipe.send_bytes(message)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the line above
        os._exit(1)


class Worker:
    """The parent's end of a worker.

    Attributes:
        place: its number among the workers of a run, which says which GPU is its own.
        job: number of the item it is at, or None.
        deadline: when it is to be killed, in the clock's seconds, or None.

    """

    def __init__(self, place: int, env: dict[str, str]) -> None:
        """Start it; importing torch takes it a second or two, in which the parent goes on."""
        from multiprocessing.connection import Pipe

        from loky.backend import get_context  # unlike spawn, it does not run the user's script anew

        self.pipe, theirs = Pipe()
        context: Any = get_context("loky")
        self.process = context.Process(
            target=serve, args=(theirs, os.getpid()), env=ONE_THREAD | env, daemon=True, name="zoo-worker"
        )
        self.process.start()
        theirs.close()
        self.place, self.ready = place, False
        self.job: int | None = None
        self.deadline: float | None = None
        self._patience: float | None = None
        self._parcel: tuple[bytes, bytes, float | None] | None = None

    def give(self, job: int, task: bytes, item: bytes, limit: float | None, grace: float) -> None:
        """Have it do a task; where the task hangs, it is overdue ``grace`` seconds after its ``limit``."""
        self.job = job
        self._patience = None if limit is None else limit + grace
        self._parcel = task, item, limit
        if self.ready:  # sending much to one that is still importing would be waiting for it
            self._send()

    def _send(self) -> None:
        with contextlib.suppress(OSError):  # it died meanwhile: `hear` finds the pipe at its end
            self.pipe.send(self._parcel)

    def hear(self) -> bytes | None:
        """A result, or None where it said something else.

        Raises:
            EOFError: it is dead.

        """
        try:
            message = self.pipe.recv_bytes()
        except OSError:
            raise EOFError from None
        if message == READY:
            self.ready = True
            self._send()
        elif message == BEGUN:
            self.deadline = None if self._patience is None else time.monotonic() + self._patience
        else:
            self.job = self.deadline = None
            return message
        return None

    @property
    def overdue(self) -> bool:
        """Whether its task should have ended by itself."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def kill(self, patience: float = 0.0) -> int | None:
        """End it, whatever it is at; one that is dying already is given ``patience`` seconds to say why.

        Returns:
            Its exit status, negative for a signal; None if it was alive until now.

        """
        self.process.join(patience)
        died: int | None = self.process.exitcode
        if died is None:
            os.kill(self.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            self.process.join()
        self.pipe.close()
        return died
