"""Locks: one process at a time holds one, and the kernel releases it when the process ends, however it ends.

A claim is a POSIX record lock on one byte of one file, at a place that follows from what is claimed. Nothing is ever written
to the file, no file is made for a claim, and on a shared file system the locks of all machines are seen by all.

POSIX locks belong to a process and go when it closes any descriptor of the file. So each process keeps one descriptor a
file until it ends, and a table of what it has claimed; a forked child begins without claims, and with descriptors of its own.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from solvers_zoo.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows: claims always succeed; work may be done twice, and its result is the same
    fcntl = None  # type: ignore[assignment]

#: What a file system without locks answers; claims succeed there.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
#: Another process has it, or waiting would be for one that waits for this.
_BUSY = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}

_File = tuple[int, int]
_guard = threading.Lock()
_handles: dict[_File, int] = {}
_claimed: set[tuple[_File, int]] = set()


def _forget() -> None:
    """In a forked child: the locks are the parent's, and so are the descriptors."""
    global _guard
    _guard = threading.Lock()
    for handle in _handles.values():
        with contextlib.suppress(OSError):
            os.close(handle)
    _handles.clear()
    _claimed.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextlib.contextmanager
def claim(path: Path, what: str, wait: bool = False) -> Iterator[bool]:
    """Claim ``what`` within the lock file ``path``, which is made if missing, while the context lasts.

    Args:
        path: the lock file.
        what: any text.
        wait: wait until another process has given it up, rather than give False at once.

    Yields:
        Whether it is this process's. What the process itself has claimed already is refused.

    Raises:
        StorageError: the file cannot be opened for writing.

    """
    if fcntl is None:
        yield True
        return
    place = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big") >> 2  # below 2^62: offsets are signed
    with _guard:
        file, handle = _open(path)
        taken = (file, place) in _claimed
        if not taken:
            _claimed.add((file, place))
    if taken:
        yield False
        return
    try:
        yield _lock(path, handle, place, wait)
    finally:
        with contextlib.suppress(OSError):  # the descriptor is closed in a child that was forked meanwhile
            fcntl.lockf(handle, fcntl.LOCK_UN, 1, place)
        with _guard:
            _claimed.discard((file, place))


def _lock(path: Path, handle: int, place: int, wait: bool) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, place)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        if error.errno not in _NO_LOCKS:
            raise StorageError(f"{path} cannot be locked: {error.strerror or error}.") from None
    return True


def _open(path: Path) -> tuple[_File, int]:
    """The process's one descriptor of the file. It is asked for by name: opening it once more would cost all locks on closing."""
    try:
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(path)
            file = found.st_dev, found.st_ino
            if file in _handles:
                return file, _handles[file]
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        found = os.fstat(handle)
    except OSError as error:
        raise StorageError(f"{path} cannot be opened: {error.strerror or error}.") from None
    file = found.st_dev, found.st_ino
    return file, _handles.setdefault(file, handle)
