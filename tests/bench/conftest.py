"""What tests of the bench share."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cells import build
from faults import Disk

from solvers_zoo.storage import files, locks
from solvers_zoo.storage import shared_folder as keep

sys.path.append(str(Path(__file__).parents[1] / "cli"))  # run_zoo

_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has such a file system: thousands of syncs cost nothing there, and it is not that of /tmp."""
    if not (_MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)):
        yield tmp_path
        return
    found = Path(tempfile.mkdtemp(dir=_MEMORY))
    yield found
    shutil.rmtree(found)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A disk that works until it is armed."""
    found = Disk()
    for module in (files, keep, locks):
        monkeypatch.setattr(module, "os", found.os())
    monkeypatch.setattr(files, "open", found.open, raising=False)
    yield found
    found.arm(None)


@pytest.fixture(scope="session")
def study_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that `cells.build` made; tests only read it."""
    found = tmp_path_factory.mktemp("store")
    build(found)
    return found
