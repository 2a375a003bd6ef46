"""Hashes of code: they change with what computes a cell, near or far, and with nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import solvers_zoo as zoo
from solvers_zoo.registry import source_hash as code
from solvers_zoo.registry.source_hash import hash_of


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose ``solver`` imports ``near`` inside a function, and that imports ``far``; ``aside`` is nobody's."""
    folder = tmp_path / "zoo_fake_code"
    folder.mkdir()
    for name, text in {
        "__init__": "",
        "solver": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from zoo_fake_code import seen\n\n\ndef f():\n    from .near import g\n    return g",
        "near": "import zoo_fake_code.far\nfrom solvers_zoo import combine\ng = 1",
        "far": "x = 1",
        "seen": "",
        "aside": "",
    }.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("zoo_fake_code")]:
        del sys.modules[name]


def fresh(module: str) -> str:
    """The hash as a new process would find it."""
    for kept in (code._closure, code.module_path, code.source_of, code._imports):
        kept.cache_clear()
    return hash_of(module)


def test_what_is_imported_near_or_far_counts_and_what_is_not_does_not(package: Path):
    first = fresh("zoo_fake_code.solver")
    for name, counts in {"far": True, "near": True, "solver": True, "aside": False, "seen": False}.items():
        path = package / f"{name}.py"
        kept = path.read_text()
        path.write_text(kept + "\n# changed\n")
        assert (fresh("zoo_fake_code.solver") != first) == counts, name
        path.write_text(kept)
    assert fresh("zoo_fake_code.solver") == first


def test_public_names_lead_to_the_modules_they_live_in(package: Path):
    fresh("zoo_fake_code.solver")
    closure = code._closure("zoo_fake_code.solver")
    assert "solvers_zoo.numerics.combine" in closure
    assert "solvers_zoo.solving.stepping" not in closure


def test_solvers_of_one_package_have_hashes_of_their_own_and_composites_those_of_their_parts():
    heun, rk4 = zoo.solver("dpmpp-2m"), zoo.solver("heun")
    assert hash_of(heun) != hash_of(rk4)
    inner = [zoo.registry.default().make("solver", f"adaptive({name})") for name in ("heun", "dpm-solver-2")]
    assert hash_of(inner[0]) != hash_of(inner[1])


def test_a_file_counts_by_its_bytes(tmp_path: Path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"1")
    first = hash_of(path)
    path.write_bytes(b"2")
    assert hash_of(path) != first
    with pytest.raises(zoo.StorageError, match="cannot be read"):
        hash_of(tmp_path / "absent")
