"""Sweeps: what is crossed, in canonical words; files that make them again; cells named by all that settles them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers_zoo.bench.cell import Cell, is_times
from solvers_zoo.bench.sweep import TOLERANCES, Sweep
from solvers_zoo.errors import OptionError, StorageError, UnknownNameError

SMALL = Sweep(solvers=("heun", "ddim:eta=0.5"), models=("ring",), nfe=(5, 10), metrics=("strong",))


def test_every_combination_is_one_cell_in_canonical_words():
    cells = replace(SMALL, seeds=(0, 1), dtypes=("float32", "float64"), grids=("karras:rho=7", "log-snr")).cells()
    assert len(cells) == len(set(cells)) == 2 * 2 * 2 * 2 * 2
    assert {cell.solver for cell in cells} == {"heun", "ddim(eta=0.5)"}
    assert {cell.grid for cell in cells} == {"karras", "log-snr"}  # rho = 7 is its default
    assert {(cell.model, cell.start) for cell in cells} == {("ring", "exact")}


def test_an_alias_is_the_cell_of_its_name():
    assert replace(SMALL, solvers=("euler", "ipndm-1")).cells() == replace(SMALL, solvers=("euler",)).cells()


def test_cheap_budgets_come_first_and_solvers_take_turns():
    cells = SMALL.cells()
    assert [cell.nfe for cell in cells] == [5, 5, 10, 10]
    assert [cell.solver for cell in cells][:2] == ["heun", "ddim(eta=0.5)"]


def test_steps_instead_of_budgets_and_times_instead_of_a_rule():
    assert {(cell.nfe, cell.steps) for cell in replace(SMALL, nfe=(), steps=(3,)).cells()} == {(None, 3)}
    (cell,) = replace(SMALL, solvers=("heun",), grids=("80, 10,.5",)).cells()
    assert (cell.grid, cell.nfe, cell.steps) == ("80.0,10.0,0.5", None, None)
    assert is_times(cell.grid)
    assert not is_times("karras(rho=5, sigma_max=10)")


def test_solvers_that_choose_their_steps_are_run_at_tolerances_instead_of_budgets():
    cells = replace(SMALL, solvers=("adaptive(heun)",)).cells()
    assert len(cells) == len(TOLERANCES)
    assert all(cell.nfe is None and cell.steps is None for cell in cells)
    (one,) = replace(SMALL, solvers=("adaptive(heun, rtol=0.02)",)).cells()
    assert one.solver == "adaptive(rtol=0.02)"


def test_a_model_from_a_file_starts_from_its_prior(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import solvers_zoo as zoo\nmodel = zoo.FunctionModel(lambda x, t: 0 * x, sde=zoo.VP(), prediction='x0', shape=(2,))\n"
    )
    cell = replace(SMALL, models=(f"{path}:model",)).cells()[0]
    assert cell.start == "prior"
    assert cell.sde == "vp"


@pytest.mark.parametrize("form", ["toml", "yaml"])
def test_a_file_makes_the_study_again(form: str, tmp_path: Path):
    sweep = replace(SMALL, seeds=(0, 3), grids=("karras(rho=5)",), limit=2.5, denoise=True, plugins=("a.py",))
    path = tmp_path / f"sweep.{form}"
    path.write_text(sweep.text(form))
    assert Sweep.read(path) == sweep


@settings(max_examples=60, deadline=None)
@given(
    nfe=st.lists(st.integers(1, 1000), min_size=1, max_size=4).map(tuple),
    seeds=st.lists(st.integers(), min_size=1, max_size=3).map(tuple),
    n=st.integers(2, 10**6),
    denoise=st.booleans(),
    models=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=3).map(
        tuple
    ),
    limit=st.none() | st.floats(0.1, 1e6),
)
def test_any_study_survives_its_file(tmp_path_factory: pytest.TempPathFactory, **given: object):
    sweep = Sweep(**{**{"metrics": ("strong",)}, **given})  # type: ignore[arg-type]
    for form in ("toml", "yaml"):
        path = tmp_path_factory.getbasetemp() / f"any.{form}"
        path.write_text(sweep.text(form), encoding="utf-8")
        assert Sweep.read(path) == sweep


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("solver = ['heun']", "'solver' is no field"),
        ("nfe = [0]", "nfe = 0"),
        ("nfe = ['five']", "whole numbers"),
        ("nfe = [5]\nsteps = [5]", "not both"),
        ("n = 1", "at least two"),
        ("n = 'many'", "n = 'many'"),
        ("start = 'end'", "auto, exact or prior"),
        ("dtypes = ['float8']", "float8"),
        ("solvers = []", "at least one of its solvers"),
    ],
)
def test_impossible_fields_are_refused_in_words(text: str, words: str, tmp_path: Path):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=words):
        Sweep.read(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.toml", b"= 3", "not TOML"),
        ("a.toml", b"\xff\xfe", "not TOML"),
        ("a.yaml", b"{a: [", "not YAML"),
        ("a.yaml", b"- 1", "does not hold"),
        ("a.ini", b"", "ends in '.ini'"),
    ],
)
def test_files_that_are_no_study_are_refused_in_words(name: str, content: bytes, words: str, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StorageError, match=words):
        Sweep.read(tmp_path / name)
    with pytest.raises(StorageError, match="cannot be read"):
        Sweep.read(tmp_path / "absent.toml")


def test_unknown_names_are_refused_before_anything_runs():
    with pytest.raises(UnknownNameError, match="heun"):
        replace(SMALL, solvers=("huen",)).cells()


def test_a_key_changes_with_every_field_and_with_the_code():
    cell, code = SMALL.cells()[0], {"solver": "1"}
    keys = {cell.key(code), cell.key({"solver": "2"})}
    for field in fields(Cell):
        now = getattr(cell, field.name)
        other = (
            not now
            if isinstance(now, bool)
            else now + 1
            if isinstance(now, int)
            else f"{now}'"
            if isinstance(now, str)
            else (*(now or ()), "x")
            if isinstance(now, tuple)
            else 7
        )
        keys.add(replace(cell, **{field.name: other}).key(code))
    assert len(keys) == 2 + len(fields(Cell))
    assert Cell.of(cell.facts()) == cell
