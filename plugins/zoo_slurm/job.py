"""What a job of the array does, and the files that it exchanges with the process that waits for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from solvers_zoo.executors import BEGUN, carry_out, one_thread


class Desk:
    """A folder on a file system that all machines share: the task, the items, and a result for every item that is finished."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def prepare(self, task: bytes, items: dict[int, bytes]) -> None:
        """Lay everything out."""
        self._in("items").mkdir(parents=True)
        self._in("begun").mkdir()
        self._in("results").mkdir()
        self._in("task").write_bytes(task)
        for number, item in items.items():
            self._in("items", number).write_bytes(item)

    @property
    def logs(self) -> Path:
        """Where submitit keeps its own files."""
        return self._in("jobs")

    def results(self) -> set[int]:
        """The items that are finished."""
        return {int(name) for name in os.listdir(self._in("results")) if name.isdecimal()}

    def result(self, number: int) -> bytes:
        """What came of an item."""
        return self._in("results", number).read_bytes()

    def begun(self, number: int) -> bool:
        """Whether somebody was at an item since it was last put out."""
        return self._in("begun", number).exists()

    def put_out(self, numbers: Sequence[int]) -> None:
        """Have items done again."""
        for number in numbers:
            self._in("begun", number).unlink(missing_ok=True)

    def work(self, number: int, limit: float | None) -> None:
        """In a job: do an item, unless that was done before Slurm started the job anew."""
        path = self._in("results", number)
        if path.exists():
            return
        for message in carry_out(
            self._in("task").read_bytes(), self._in("items", number).read_bytes(), limit, watchdog=True
        ):
            if message == BEGUN:
                self._in("begun", number).touch()
            else:
                unfinished = path.with_name(f"{number}.{os.getpid()}.tmp")
                unfinished.write_bytes(message)
                os.replace(unfinished, path)

    def _in(self, *names: str | int) -> Path:
        return self.folder.joinpath(*map(str, names))


def work_through(folder: str, numbers: Sequence[int], limit: float | None) -> None:
    """In a job: do items, one after the other."""
    # submitit ignores it, and a job that is called off would wait for being killed
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    one_thread()
    for number in numbers:
        Desk(folder).work(number, limit)
