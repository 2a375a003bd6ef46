"""The store: what was put comes back or is missing, whatever happens to its files and whoever else writes to them."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cells import cell, place, record

from solvers_zoo.bench.cell import canonical
from solvers_zoo.bench.results import Results
from solvers_zoo.bench.store import Store
from solvers_zoo.errors import StorageError
from solvers_zoo.storage import shared_folder as keep
from solvers_zoo.storage.files import seal
from solvers_zoo.storage.shared_folder import Keep

HERE = Path(__file__).parent


def file_of(store: Store, key: str) -> Path:
    return store.folder / "cells" / key[:2] / f"{key}.json"


# -- what comes back ---------------------------------------------------------------------------------------------------


def test_what_was_put_comes_back(tmp_path):
    store, one = Store(tmp_path / "store"), record(cell())
    assert store.get(one.key) is None
    assert store.keys() == []
    assert list(store.records()) == []
    assert not (tmp_path / "store").exists()
    samples = torch.randn(5, 2).bfloat16()
    store.put(one, samples)
    again = Store(tmp_path / "store")
    assert again.get(one.key) == one
    assert again.samples(one.key).equal(samples)
    assert again.samples(one.key).dtype is torch.bfloat16
    assert again.keys() == [one.key]
    other = record(cell("ddim"))
    store.put(other)
    assert again.samples(other.key) is None
    assert {found.key for found in again.records()} == {one.key, other.key}
    newer = replace(one, run={"took": 2.0})
    store.put(newer)
    assert again.get(one.key) == newer
    assert list((tmp_path / "store" / "unfinished").iterdir()) == []


def test_the_layout(tmp_path):
    store, one = Store(tmp_path), record(cell())
    store.put(one, torch.zeros(1))
    store.save_sweep("first", '{"a":1}')
    store.reference("flow", lambda: torch.zeros(2))
    with store.claim(one.key):
        pass
    line = file_of(store, one.key).read_bytes()
    assert line.startswith(b'{"sha256":"')
    assert line.endswith(b"}\n")
    place(tmp_path / "placed", one)
    assert file_of(Store(tmp_path / "placed"), one.key).read_bytes() == line
    shutil.rmtree(tmp_path / "placed")
    assert json.loads(line)["record"] == json.loads(json.dumps(one.facts()))
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert [Path(name).parts[0] for name in files] == ["cells", "claims", "references", "samples", "sweeps"]
    assert (tmp_path / "claims").stat().st_size == 0


def test_records_say_what_json_can_say_and_names_are_names(tmp_path):
    store = Store(tmp_path)
    assert store.get("0" * 64) is None
    for key in ("", "abc", "../" * 20 + "a", "g" * 64, "A" * 64):
        with pytest.raises(StorageError, match="is no key"):
            store.get(key)
    for name in ("", "..", "a/b", ".hidden", "a" * 300):
        with pytest.raises(StorageError, match="cannot name a sweep"):
            store.save_sweep(name, "{}")


def test_references_are_made_once(tmp_path):
    store, made = Store(tmp_path), []

    def make() -> torch.Tensor:
        made.append(1)
        return torch.arange(6.0, dtype=torch.float64).reshape(2, 3)

    first, second = store.reference("a", make), Store(tmp_path).reference("a", make)
    assert first.equal(second)
    assert second.dtype is torch.float64
    assert len(made) == 1
    path = next((tmp_path / "references").iterdir())
    path.write_bytes(path.read_bytes()[:-30])
    assert store.reference("a", make).equal(first)
    assert len(made) == 2
    assert len(store.damage) == 1
    shutil.copy(path, path.with_name(f"{'0' * 64}.npz"))
    store.reference("b", make)
    assert len(made) == 3


def test_a_reference_that_another_process_made_meanwhile_is_taken(tmp_path, monkeypatch):
    store, claim = Store(tmp_path), Keep.claim

    def waited(self: Keep, what: str, wait: bool = False) -> Any:
        assert wait
        monkeypatch.setattr(Keep, "claim", claim)
        Store(tmp_path).reference("slow", lambda: torch.ones(3))
        return claim(self, what, wait)

    monkeypatch.setattr(Keep, "claim", waited)
    assert store.reference("slow", lambda: pytest.fail("it was there")).sum() == 3


def test_studies_come_back(tmp_path):
    store = Store(tmp_path)
    store.save_sweep("b", '{"cells":[]}')
    store.save_sweep("a", "[1]")
    store.save_sweep("a", "[2]")
    assert store.sweeps() == {"a": "[2]", "b": '{"cells":[]}'}
    path = tmp_path / "sweeps" / "a.json"
    path.write_bytes(path.read_bytes().replace(b"[2]", b"[3]"))
    assert list(store.sweeps()) == ["b"]
    assert "checksum" in str(store.damage[0])


def test_two_stores_are_merged_by_copying(tmp_path):
    both, first, second = record(cell("both")), record(cell("first")), record(cell("second"))
    for name, own in (("a", first), ("b", second)):
        store = Store(tmp_path / name)
        for one in (both, own):
            store.put(one, torch.full((2,), float(len(one.cell.solver))))
        with store.claim(own.key):
            pass
    subprocess.run(["cp", "-r", f"{tmp_path}/b/.", f"{tmp_path}/a/"], check=True)
    merged = Store(tmp_path / "a")
    assert {one.key: one for one in merged.records()} == {one.key: one for one in (both, first, second)}
    assert merged.samples(second.key).equal(torch.full((2,), 6.0))
    with Results(merged) as results:
        assert sorted(row["solver"] for row in results.rows()) == ["both", "first", "second"]
    assert merged.damage == []


# -- damage ------------------------------------------------------------------------------------------------------------


def mutations(whole: bytes, count: int) -> list[bytes]:
    """Truncations, flipped bits, zeroed and repeated blocks, bytes put in or taken out, all of them different from the original."""
    rng, found = random.Random(0), []
    while len(found) < count:
        content, place, kind = bytearray(whole), rng.randrange(len(whole)), len(found) % 6
        if kind == 0:
            del content[place:]
        elif kind == 1:
            content[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            content[place : place + 16] = bytes(len(content[place : place + 16]))
        elif kind == 3:
            content[place:place] = content[: rng.randrange(1, 80)]
        elif kind == 4:
            del content[place]
        else:
            content += bytes(rng.randrange(1, 40))
        if content != whole:
            found.append(bytes(content))
    return found


def test_no_damaged_cell_is_used(folder):
    """1,000 mutations of a cell's file: each is detected, reported and moved, whether the cell is asked for or all are read."""
    one = record(cell())
    Store(folder).put(one)
    path = file_of(Store(folder), one.key)
    whole = path.read_bytes()
    cases = mutations(whole, 1000)
    flips = [bytes([*whole[:i], whole[i] ^ (1 << i % 8), *whole[i + 1 :]]) for i in range(len(whole))]
    assert len(set(cases + flips)) > 1900
    for number, content in enumerate(cases + flips):
        path.write_bytes(content)
        store = Store(folder)
        assert (store.get(one.key) if number % 2 else next(store.bodies(), None)) is None
        assert [found.path for found in store.damage] == [path]
        assert store.damage[0].moved.read_bytes() == content
        assert "counts as missing" in str(store.damage[0])
        assert not path.exists()
        store.damage[0].moved.unlink()
    path.write_bytes(whole)
    assert Store(folder).get(one.key) == one


def test_no_damaged_samples_are_used(folder):
    one, samples = record(cell()), torch.randn(4, 2)
    Store(folder).put(one, samples)
    path = folder / "samples" / one.key[:2] / f"{one.key}.npz"
    whole = path.read_bytes()
    detected = 0
    for content in mutations(whole, 300):
        path.write_bytes(content)
        store = Store(folder)
        found = store.samples(one.key)
        assert found is None or found.equal(samples)  # padding inside a .npz carries nothing
        detected += found is None
        assert len(store.damage) == (found is None)
    assert detected > 200


def test_cells_that_are_not_what_their_name_says(tmp_path):
    store, one, other = Store(tmp_path), record(cell("heun")), record(cell("ddim"))
    store.put(one)
    file_of(store, other.key).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file_of(store, one.key), file_of(store, other.key))
    assert store.get(other.key) is None
    assert "of another cell" in str(store.damage[0])
    assert store.get(one.key) == one
    for stray in ("notes.txt", f".{one.key}.json", f"{one.key}.json~", "short.json"):
        (file_of(store, one.key).parent / stray).write_text("{}")
    (tmp_path / "cells" / "README").write_text("hello")
    assert store.keys() == [one.key]


def test_cells_of_another_version_are_left_where_they_are(tmp_path):
    store, one = Store(tmp_path), record(cell())
    facts = one.facts()
    facts["cell"]["colour"] = "red"
    key = facts.pop("key")
    store.put(one)
    file_of(store, key).write_bytes(seal("record", f'{{"key":"{key}",{canonical(facts)[1:]}'.encode()))
    assert store.get(key) is None
    assert "another version" in str(store.damage[0])
    assert store.damage[0].moved is None
    assert file_of(store, key).exists()


def test_a_whole_file_put_meanwhile_is_not_lost(tmp_path, monkeypatch):
    """One process has read a damaged file; before it moves it away, another one puts a good one in its place."""
    store, one = Store(tmp_path), record(cell())
    store.put(one)
    path = file_of(store, one.key)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])

    def late(folder: Path) -> None:
        path.write_bytes(whole)
        folder.mkdir()

    monkeypatch.setattr(keep, "make_folder", late)
    assert store.get(one.key) == one
    assert path.read_bytes() == whole
    assert store.damage == []


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path):
    Store(tmp_path).put(record(cell()))
    old, new = tmp_path / "unfinished" / ".old.tmp", tmp_path / "unfinished" / ".new.tmp"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    Store(tmp_path).put(record(cell("ddim")))
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == [new.name]
