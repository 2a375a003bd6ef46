"""A disk that is full, fails or writes half, at every place where something is written: an error, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cells import cell, record
from faults import Disk
from run_zoo import ZOO, assert_one_sentence, run_zoo

import solvers_zoo as zoo
from solvers_zoo.bench.export import Sheet, write
from solvers_zoo.bench.store import Store
from solvers_zoo.errors import StorageError

EARLIER = [record(cell("heun", nfe)) for nfe in (5, 10)]
NEW = record(cell("ddim", 20))
SAMPLES = torch.arange(6000.0).reshape(1000, 6)  # more than one buffer
NEWER = record(cell("heun", 5), finished="2027-01-01T10:00:00.000+00:00")

#: Python itself does not notice that it cannot write all of a module's byte code, and would leave it cut short for everybody.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def claim(store: Store) -> None:
    with store.claim(NEW.key) as mine:
        assert mine


def write_table(store: Store) -> None:
    rows = [{"solver": "heun", "value": i} for i in range(2000)]
    write(store.folder / "table.csv", rows, Sheet((), (), ()))


#: What is written, and what must be there once it could be.
WRITES: dict[str, tuple[Callable[[Store], object], Callable[[Store], bool]]] = {
    "a cell": (lambda store: store.put(NEW), lambda store: store.get(NEW.key) == NEW),
    "a cell with samples": (lambda store: store.put(NEW, SAMPLES), lambda store: SAMPLES.equal(store.samples(NEW.key))),
    "a cell once more": (lambda store: store.put(NEWER), lambda store: store.get(NEWER.key) == NEWER),
    "a reference": (
        lambda store: store.reference("flow", lambda: SAMPLES),
        lambda store: SAMPLES.equal(store.reference("flow", lambda: torch.zeros(1))),
    ),
    "a sweep": (lambda store: store.save_sweep("mine", "{}"), lambda store: store.sweeps()["mine"] == "{}"),
    "a claim": (claim, lambda store: True),
    "a table": (write_table, lambda store: len((store.folder / "table.csv").read_text().splitlines()) == 2001),
    "a result": (
        lambda store: zoo.Result(SAMPLES, 1, [1.0, 0.1], 0, "euler").save(store.folder / "run.npz"),
        lambda store: SAMPLES.equal(zoo.Result.load(store.folder / "run.npz").x),
    ),
}


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


@pytest.mark.parametrize("fresh", [False, True], ids=["used", "fresh"])
@pytest.mark.parametrize("what", WRITES)
def test_every_fault_at_every_place(folder, disk: Disk, what, fresh):
    run, there = WRITES[what]
    origin = folder / "origin"
    if fresh:
        origin.mkdir()
    else:
        for one in EARLIER:
            Store(origin).put(one)
        Store(origin).save_sweep("earlier", "[]")
    met = 0
    for mode in ("full", "broken", "short"):
        for site in range(200):
            place = folder / f"{mode}-{site}"
            shutil.copytree(origin, place)
            store = Store(place)
            disk.arm(site, mode)
            if not _struck(run, store, disk):
                break
            met += 1
            disk.arm(None)
            _intact(Store(place), fresh)
            assert leftovers(place) == [], disk.calls
            run(store)  # the store can be used further once there is room
            assert there(store)
            shutil.rmtree(place)
        else:
            pytest.fail("the write never passed")
        disk.arm(None)
        assert there(store)
    assert met >= 3 * len(set(disk.calls)), "too few places were met"


def _struck(run: Callable[[Store], object], store: Store, disk: Disk) -> bool:
    said = ""
    try:
        run(store)
    except StorageError as error:
        said = str(error)
    assert disk.struck == bool(said), (said, disk.calls)
    if said:
        assert "\n" not in said
        assert str(store.folder) in said
        assert "No space left" in said or "Input/output error" in said
    return bool(said)


def _intact(store: Store, fresh: bool) -> None:
    if fresh:
        return
    for one in EARLIER:
        assert store.get(one.key) in ((one,) if one.key != NEWER.key else (one, NEWER))
    assert store.get(NEW.key) in (None, NEW)
    assert store.sweeps()["earlier"] == "[]"
    assert store.damage == []


def test_a_cell_is_on_disk_before_it_has_its_name(folder, disk: Disk):
    Store(folder).put(EARLIER[0])
    disk.arm(None)
    Store(folder).put(EARLIER[0])
    assert disk.calls == ["create", "write", "fsync", "close", "replace", "open", "fsync", "close"]


def test_enough_places_are_met(folder, disk: Disk):
    """At least 50 pairs of place and fault, so that a change of how files are written does not empty the test above."""
    pairs = 0
    for number, (run, _) in enumerate(WRITES.values()):
        disk.arm(None)
        (folder / str(number)).mkdir()
        run(Store(folder / str(number)))
        pairs += 3 * len(disk.calls)
    assert pairs >= 150


# -- the real thing ---------------------------------------------------------------------------------------------------


def test_a_limit_of_the_system_on_files(tmp_path):
    """The kernel itself cuts a write short and refuses the rest."""
    for one in EARLIER:
        Store(tmp_path / "store").put(one)
    code = f"""
import resource, signal
from solvers_zoo.bench.store import Store
from cells import cell, record
store = Store({str(tmp_path / "store")!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
store.put(record(cell("ddim", 20)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
        env={**os.environ, **NO_BYTECODE},
    )
    assert "StorageError" in done.stderr.splitlines()[-1]
    assert "File too large" in done.stderr
    store = Store(tmp_path / "store")
    assert [store.get(one.key) for one in EARLIER] == EARLIER
    assert len(store.keys()) == 2
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "tex", "md"])
def test_a_full_disk_on_the_command_line(tmp_path, suffix):
    store, out = tmp_path / "store", tmp_path / f"table.{suffix}"
    for nfe in range(1, 40):
        Store(store).put(record(cell("heun", nfe)))
    out.write_bytes(b"earlier")
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 1; exec {ZOO} results --store {store} --out {out}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **NO_BYTECODE},
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stdout == ""
    assert out.read_bytes() == b"earlier"
    assert leftovers(tmp_path) == []


def test_a_device_is_written_to_as_it_is(tmp_path):
    Store(tmp_path).put(record(cell()))
    assert_one_sentence(
        run_zoo("results", "--store", tmp_path, "--format", "csv", "--out", "/dev/full"), 1, "No space left"
    )
    assert os.path.exists("/dev/full")
    assert not os.path.isfile("/dev/full")


def test_a_store_that_is_a_file(tmp_path):
    (tmp_path / "store").write_text("hello")
    with pytest.raises(StorageError, match="is a file; a store is a folder"):
        Store(tmp_path / "store")
    with pytest.raises(StorageError, match="store cannot be made: File exists"):
        Store(tmp_path / "store" / "below").put(NEW)
    assert_one_sentence(run_zoo("results", "--store", tmp_path / "store"), 1, "is a file")


def test_a_store_that_may_only_be_read(tmp_path):
    """Without the rights of root, which are above those of folders."""
    for one in EARLIER:
        Store(tmp_path / "store").put(one)
    damaged = next((tmp_path / "store").rglob(f"{EARLIER[1].key}.json"))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    code = f"""
import os, pathlib, sys, torch
from solvers_zoo.bench.store import Store
from solvers_zoo.errors import StorageError
from cells import cell, record
import solvers_zoo.sampling.storage
os.chdir({str(tmp_path)!r})  # the way to it is not open to everybody
os.chmod(".", 0o755)
for path in [pathlib.Path("store"), *pathlib.Path("store").rglob("*")]:
    path.chmod(0o555 if path.is_dir() else 0o444)
if os.getuid() == 0:
    os.setuid(65534)
store = Store("store")
earlier = [record(cell("heun", nfe)) for nfe in (5, 10)]
assert [store.get(one.key) for one in earlier] == [earlier[0], None]
assert store.damage[0].moved is None
for write in (lambda: store.put(record(cell("ddim", 20))), lambda: store.claim("x").__enter__(), lambda: store.save_sweep("a", "{{}}"),
              lambda: store.reference("a", lambda: torch.ones(1))):
    try:
        write()
    except StorageError as error:
        print(error)
    else:
        sys.exit("it was written")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
        env={**os.environ, **NO_BYTECODE},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert all("Permission denied" in line for line in done.stdout.splitlines()), done.stdout
