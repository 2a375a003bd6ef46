"""The store: a folder of finished cells, each a file of its own, named after what was computed and sealed with a checksum.

    cells/ab/<key>.json      {"sha256":"<checksum of all that follows>","record":{"key":..., "cell":..., "result":..., ...}}
    samples/ab/<key>.npz     the samples, where they are kept
    references/<hash>.npz    exact flows and exact samples, which many cells share
    sweeps/<name>.json       what was asked for, sealed likewise; studies/ in a store of 0.1.0
    damaged/                 files that did not verify, moved here when they were met
    unfinished/              files being written; what was left by a process that was killed goes after a day
    claims                   an empty file, the bytes of which are locked (`solvers_zoo.storage.locks`)

A file is there whole or not at all, so that any number of processes and machines may share the folder, and two stores are merged by
copying one over the other: equal names hold equal results.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from solvers_zoo.bench.cell import canonical
from solvers_zoo.bench.record import Record
from solvers_zoo.errors import StorageError
from solvers_zoo.storage.files import checksum, replace, seal, unseal
from solvers_zoo.storage.shared_folder import Damage, Keep, names, read_bytes

if TYPE_CHECKING:
    from torch import Tensor

_KEY = re.compile(r"[0-9a-f]{64}")
_CELL = re.compile(r"([0-9a-f]{64})\.json")


class Store:
    """Finished cells in a folder, which is made when something is first written.

    Attributes:
        folder: where it is.
        damage: files that were met and not used, in the order in which they were met.

    """

    def __init__(self, folder: str | Path) -> None:
        """Open a store; nothing is read or written yet.

        Raises:
            StorageError: ``folder`` is a file.

        """
        self.folder = Path(folder)
        self._keep = Keep(self.folder)
        self.damage = self._keep.damage
        if os.path.exists(self.folder) and not os.path.isdir(self.folder):
            raise StorageError(f"{self.folder} is a file; a store is a folder.")

    # -- cells -------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> Record | None:
        """The record of a cell, or None if it is not there or not usable; ``damage`` tells which.

        Raises:
            StorageError: a file that is there cannot be read.

        """
        path = self._cell(key)
        body = self._keep.verified(path, partial(_body, key))
        if body is None:
            return None
        try:
            return Record.of(json.loads(body))
        except (ValueError, KeyError, TypeError) as error:  # as it was written, but by a zoo with other fields
            self.damage.append(Damage(path, f"another version of the zoo wrote it ({error})", None))
            return None

    def put(self, record: Record, samples: Tensor | None = None) -> None:
        """Keep a record, and the samples before it; what was there under its key is replaced in one stroke.

        Raises:
            StorageError: it cannot be written. What the store held before is as it was.

        """
        facts = record.facts()
        key = facts.pop("key")
        line = seal("record", f'{{"key":"{key}",{canonical(facts)[1:]}'.encode())
        path = self._cell(key)
        if samples is not None:
            self._put_tensor(self._samples(key), samples, key)
        replace(path, lambda file: file.write(line), self._keep.prepare(path.parent))

    def claim(self, key: str) -> AbstractContextManager[bool]:
        """Claim a cell while the context lasts; gives at once whether it was free. A killed process's claims are free.

        Look for the record once more inside: another process may have finished it just before.

        Raises:
            StorageError: the store cannot be written.

        """
        return self._keep.claim(f"cell {key}")

    def keys(self) -> list[str]:
        """The keys of all cells that have a file, sorted; none is opened."""
        return [key for key, _ in self._files()]

    def records(self) -> Iterator[Record]:
        """All records that verify, by key."""
        return (record for key in self.keys() if (record := self.get(key)) is not None)

    def bodies(self) -> Iterator[tuple[str, bytes]]:
        """(key, JSON of the record) of all cells that verify, by key; nothing is parsed."""
        for key, path in self._files():
            body: bytes | None
            try:
                body = _body(key, path)
            except (ValueError, OSError):
                body = self._keep.verified(Path(path), partial(_body, key))
            if body is not None:
                yield key, body

    def samples(self, key: str) -> Tensor | None:
        """The samples that were kept with a cell, if any."""
        return self._tensor(self._samples(key), key)

    # -- what cells share --------------------------------------------------------------------------------------------

    def reference(self, name: str, make: Callable[[], Tensor]) -> Tensor:
        """The tensor kept under ``name``, or what ``make`` gives, which is then kept.

        Of several processes that ask for it one makes it, and the others wait.

        Raises:
            StorageError: it cannot be written.

        """
        path = self.folder / "references" / f"{checksum(name.encode())}.npz"
        found = self._tensor(path, name)
        if found is not None:
            return found
        with self._keep.claim(f"reference {name}", wait=True):
            found = self._tensor(path, name)
            if found is None:
                found = make()
                self._put_tensor(path, found, name)
            return found

    def save_sweep(self, name: str, text: str) -> None:
        """Keep a sweep, JSON on one line, under a name of letters, digits and ``._-``.

        Raises:
            StorageError: another name, or it cannot be written.

        """
        if not re.fullmatch(r"\w[\w.-]{0,199}", name):
            raise StorageError(f"{name!r} cannot name a sweep; a name is of letters, digits, '.', '_' and '-'.")
        path = self.folder / "sweeps" / f"{name}.json"
        line = seal("sweep", text.encode())
        replace(path, lambda file: file.write(line), self._keep.prepare(path.parent))

    def sweeps(self) -> dict[str, str]:
        """The texts of all sweeps that verify, by name."""
        found = {}
        for folder, kind in (("studies", "study"), ("sweeps", "sweep")):  # 0.1.0 called them studies
            for path in sorted((self.folder / folder).glob("*.json")):
                text = self._keep.verified(path, partial(_unsealed, kind))
                if text is not None:
                    found[path.stem] = text.decode()
        return found

    # -- files -------------------------------------------------------------------------------------------------------

    def _cell(self, key: str) -> Path:
        return self.folder / "cells" / _checked(key)[:2] / f"{key}.json"

    def _samples(self, key: str) -> Path:
        return self.folder / "samples" / _checked(key)[:2] / f"{key}.npz"

    def _files(self) -> Iterator[tuple[str, str]]:
        cells = f"{self.folder}{os.sep}cells"
        for part in names(cells):
            for name in names(f"{cells}{os.sep}{part}"):
                if match := _CELL.fullmatch(name):
                    yield match[1], f"{cells}{os.sep}{part}{os.sep}{name}"

    def _tensor(self, path: Path, name: str) -> Tensor | None:
        def read(path: Path) -> Tensor:
            from solvers_zoo.sampling.storage import read_archive

            tensors, meta = read_archive(path)
            if meta["name"] != name:
                raise ValueError(f"it is of {meta['name']!r}")
            return tensors["x"]

        return self._keep.verified(path, read) if os.path.exists(path) else None

    def _put_tensor(self, path: Path, x: Tensor, name: str) -> None:
        from solvers_zoo.sampling.storage import write_archive

        write_archive(path, {"x": x.detach().cpu()}, {"name": name}, self._keep.prepare(path.parent))


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise StorageError(f"{key!r} is no key of a cell; keys are 64 hexadecimal digits.")
    return key


def _unsealed(kind: str, path: str | Path) -> bytes:
    return unseal(kind, read_bytes(path))


def _body(key: str, path: str | Path) -> bytes:
    """The record in a cell's file, which begins with the key that the file is named after."""
    body = _unsealed("record", path)
    if not body.startswith(b'{"key":"' + key.encode() + b'",'):
        raise ValueError("it is of another cell than its name says")
    return body
