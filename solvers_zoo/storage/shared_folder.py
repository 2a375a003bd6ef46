"""A folder that many processes write to: files begun aside, verified when read, and moved out of the way when damaged."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from solvers_zoo.errors import StorageError
from solvers_zoo.storage import locks
from solvers_zoo.storage.files import make_folder

#: Seconds after which a file in ``unfinished/`` has no writer any more; machines' clocks may differ by hours.
_ABANDONED = 86400.0
T = TypeVar("T")


@dataclass(frozen=True)
class Damage:
    """A file that was not used, why, and where it is now."""

    path: Path
    reason: str
    moved: Path | None

    def __str__(self) -> str:
        """A sentence."""
        where = f"; it was moved to {self.moved}" if self.moved is not None else ""
        return f"{self.path} counts as missing: {self.reason}{where}."


class Keep:
    """What a store does with files, whatever is in them.

    Attributes:
        folder: where it is.
        damage: files that were met and not used, in the order in which they were met.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damage: list[Damage] = []
        self._ready: set[Path] = set()

    def prepare(self, folder: Path) -> Path:
        """Have ``folder``, and the one where files are begun, which is returned.

        Raises:
            StorageError: they cannot be made.

        """
        unfinished = self.folder / "unfinished"
        for wanted in (unfinished, folder):
            if wanted not in self._ready or not os.path.isdir(wanted):
                make_folder(wanted)
                if wanted is unfinished:
                    _sweep(unfinished)
                self._ready.add(wanted)
        return unfinished

    def claim(self, what: str, wait: bool = False) -> AbstractContextManager[bool]:
        """Claim ``what`` among all processes that use the folder; see `solvers_zoo.storage.locks.claim`."""
        self.prepare(self.folder)
        return locks.claim(self.folder / "claims", what, wait)

    def verified(self, path: Path, read: Callable[[Path], T]) -> T | None:
        """What ``read`` makes of a file; None if it is missing, or damaged and thus moved out of the way.

        Raises:
            StorageError: a file that is there cannot be read.

        """
        try:
            return read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from None
        except Exception as error:  # whatever a damaged file makes of numpy and json; a checksum that does not fit
            reason = str(error) or type(error).__name__
        moved = self.folder / "damaged" / f"{path.stem}.{secrets.token_hex(4)}{path.suffix}"
        with contextlib.suppress(OSError, StorageError):  # gone, or not ours to move
            make_folder(moved.parent)
            os.rename(path, moved)
            with contextlib.suppress(Exception):  # another process may have put a whole one there since it was read
                found = read(moved)
                os.replace(moved, path)
                return found
        self.damage.append(Damage(path, reason, moved if moved.exists() else None))
        return None


def names(folder: str) -> list[str]:
    """The names in a folder, sorted; none if there is no such folder."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(f"{folder} cannot be read: {error.strerror or error}.") from None


def read_bytes(path: str | Path) -> bytes:
    """All of a file, at the least cost where it is small."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(handle, 65536)
        while more := os.read(handle, 65536):
            data += more
    finally:
        os.close(handle)
    return data


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left half written."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime > _ABANDONED:
                    os.unlink(entry.path)
