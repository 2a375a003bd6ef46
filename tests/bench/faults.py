"""A disk that fails at a chosen call: every way in which the zoo's own modules make, fill, sync, name and close files."""

from __future__ import annotations

import errno
import io
import os
from types import ModuleType
from typing import Any

_CALLS = ("mkdir", "open", "fsync", "replace", "rename", "close", "lockf")


class Disk:
    """Counts calls and fails at one of them.

    Attributes:
        at: the call that fails, counted from 0; None for a disk that works.
        mode: ``full`` and ``broken`` fail at once; ``short`` first writes half of what it is given, then says that it is full.
        calls: what was called.

    """

    def __init__(self) -> None:
        self.at: int | None = None
        self.mode = "full"
        self.calls: list[str] = []

    def arm(self, at: int | None, mode: str = "full") -> None:
        self.at, self.mode, self.calls = at, mode, []

    @property
    def struck(self) -> bool:
        return self.at is not None and len(self.calls) > self.at

    def meets(self, call: str) -> bool:
        """Whether this call fails. After a short write so does all writing: a disk that is full stays so."""
        self.calls.append(call)
        return self.at is not None and (
            len(self.calls) == self.at + 1 or (self.struck and call == "write" and self.mode != "broken")
        )

    def error(self) -> OSError:
        number = errno.EIO if self.mode == "broken" else errno.ENOSPC
        return OSError(number, os.strerror(number))

    def os(self) -> Any:
        """The module `os` as a module sees it that is to meet the faults."""
        disk = self

        class Calls(ModuleType):
            def __getattr__(self, name: str) -> Any:
                real = getattr(os, name)
                if name not in _CALLS:
                    return real

                def call(*given: Any, **named: Any) -> Any:
                    if not disk.meets(name):
                        return real(*given, **named)
                    if name == "close":
                        real(*given)
                    raise disk.error()

                return call

        return Calls("os")

    def open(self, path: Any, mode: str) -> Any:
        """`open` for writing, with a raw file that fails."""
        disk = self
        if self.meets("create"):
            raise self.error()

        class Raw(io.FileIO):
            shut = False

            def write(self, data: Any) -> int:
                if disk.mode == "short" and len(disk.calls) == disk.at and len(data) > 1:
                    disk.calls.append("write")
                    return super().write(memoryview(data)[: len(data) // 2])
                if disk.meets("write"):
                    raise disk.error()
                return super().write(data)

            def close(self) -> None:
                super().close()
                if not self.shut:
                    self.shut = True
                    if disk.meets("close"):
                        raise disk.error()

        return io.BufferedWriter(Raw(path, mode.replace("b", "")))
