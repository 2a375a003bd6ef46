"""Files that are whole or not there: written beside, synced and renamed; sealed with a checksum over every byte."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

from solvers_zoo.errors import StorageError

#: What file systems answer that cannot sync a folder; on them a rename is as safe as they make it.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
_OPENING, _DIGITS = b'{"sha256":"', 64


def wrong_ending(path: Path, rest: str) -> str:
    """The sentence that refuses the ending of a file's name; ``rest`` is its second half, and says what the ending can be."""
    return f"{path} ends in {path.suffix or 'nothing'!r}; {rest}."


def checksum(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    import hashlib  # takes longer to load than listing needs

    return hashlib.sha256(data).hexdigest()


def seal(name: str, body: bytes) -> bytes:
    """A line ``{"sha256":"<64 digits>","name":body}``; the digits are the checksum of all that follows them."""
    rest = b'","' + name.encode() + b'":' + body + b"}\n"
    return _OPENING + checksum(rest).encode() + rest


def unseal(name: str, data: bytes) -> bytes:
    """The body of what `seal` made, read without parsing it.

    Raises:
        ValueError: any byte of it is not as it was written; the text says what is wrong.

    """
    digits, rest = data[len(_OPENING) : len(_OPENING) + _DIGITS], data[len(_OPENING) + _DIGITS :]
    opening = b'","' + name.encode() + b'":'
    if not data.startswith(_OPENING) or not rest.startswith(opening) or not rest.endswith(b"}\n"):
        raise ValueError("it is cut short or not of the zoo")
    if checksum(rest).encode() != digits:
        raise ValueError("its checksum does not fit")
    return rest[len(opening) : -2]


def replace(path: Path, write: Callable[[IO[bytes]], object], scratch: Path | None = None) -> None:
    """Fill a new file and put it in the place of ``path`` once it is safely on disk; a link is followed.

    A device or a pipe (``/dev/stdout``) cannot be replaced; it is written to as it is.

    Args:
        path: where it is to be.
        write: fills the file that it is given.
        scratch: a folder of the same file system for the new file; beside ``path`` if None.

    Raises:
        StorageError: it could not be written. What was there before is still there, or the new file is, whole.

    """
    new: Path | None = None
    try:
        if _special(path):
            with open(path, "wb") as file:
                write(file)
            return
        path = Path(os.path.realpath(path))
        new = (scratch or path.parent) / f".{os.urandom(8).hex()}.tmp"
        with open(new, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        new = None
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        if new is not None:
            with contextlib.suppress(OSError):  # it never came to be
                new.unlink()


def _special(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, and have them on disk.

    Raises:
        StorageError: it cannot be made.

    """
    if os.path.isdir(path):
        return
    if path.parent != path:
        make_folder(path.parent)
    try:
        os.mkdir(path)
        sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.isdir(path):  # another process was as fast
            return
        raise StorageError(f"The folder {path} cannot be made: {error.strerror or error}.") from None


def sync_folder(path: Path) -> None:
    """Have the names in a folder on disk: a rename is safe only then."""
    if os.name == "nt":  # folders cannot be opened there
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder may be written without being readable
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)
