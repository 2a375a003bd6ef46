"""The command line beside plugins with everything wrong that can be: it keeps working, and says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_plugins import BROKEN, install, solver
from run_zoo import assert_one_sentence, run_zoo


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for dist, (source, _) in BROKEN.items():
        install(folder, dist, source)
    install(folder, "zoo-good", solver("good-one"))
    return folder


def test_list_works_and_names_every_problem(site: Path):
    run = run_zoo("list", path=site)
    assert run.status == 0, run.err
    for dist, (_, reason) in BROKEN.items():
        row = next(line for line in run.out.splitlines() if reason in line)
        assert dist in row
    assert run.out.count("is claimed by") == 1  # once, though both plugins know of it
    assert "zoo-clash:heun" in run.out
    assert "solvers-zoo:heun" in run.out
    data = run_zoo("list", "--json", path=site)
    assert data.err.strip() == "chatter"  # what a plugin printed
    assert {"good-one", "ddim", "midway"} <= {card["name"] for card in data.json["solvers"]}
    assert {problem["dist"] for problem in data.json["problems"]} >= set(BROKEN) - {"zoo-clash"}


def test_help_and_plugins_work(site: Path):
    assert run_zoo("--help", path=site).status == 0
    plugins = run_zoo("plugins", "--json", path=site).json
    assert {plugin["dist"] for plugin in plugins if not plugin["ok"]} == {*BROKEN, "solvers-zoo"}
    assert "✗" in run_zoo("plugins", path=site).out


def test_sample_runs_with_its_defaults_and_refuses_what_is_ambiguous(site: Path):
    run = run_zoo("sample", "--steps", 3, "-n", 5, "--json", path=site)
    assert run.status == 0, run.err
    assert run.json["solver"] == "heun"
    refused = run_zoo("sample", "--solver", "heun", path=site)
    assert refused.status == 1
    assert "write " in refused.err
    assert "solvers-zoo:heun" in refused.err
    assert "zoo-clash:heun" in refused.err
    chosen = run_zoo("sample", "--solver", "zoo-clash:heun", "--steps", 3, "-n", 5, "--json", path=site).json
    assert chosen["nfe"] == 3


def test_doctor_shows_tracebacks_and_fails(site: Path):
    run = run_zoo("doctor", path=site)
    assert run.status == 1
    assert "raise RuntimeError('no such device')" in run.out
    data = run_zoo("doctor", "--json", path=site)
    assert data.status == 1
    assert data.json["ok"] is False


def test_strict_mode_is_one_sentence(site: Path):
    run = run_zoo("list", path=site, ZOO_STRICT="1", ZOO_PLUGINS="zoo-raises")
    assert_one_sentence(run, 1, "zoo-raises", "no such device", "ZOO_STRICT")
    alone = run_zoo("list", "--json", path=site, ZOO_PLUGINS="zoo-good").json
    assert [card["name"] for card in alone["solvers"]] == ["good-one"]


def test_one_off_file_that_does_not_load(tmp_path: Path):
    (tmp_path / "bad.py").write_text("import nothing_of_that_name")
    run = run_zoo("list", "--plugin", tmp_path / "bad.py")
    assert run.status == 0
    assert "ModuleNotFoundError" in run.out
    assert_one_sentence(run_zoo("check", tmp_path / "bad.py"), 1, "ModuleNotFoundError")


def test_doctor_finds_nothing_wrong_here():
    run = run_zoo("doctor")
    assert run.status == 0, run.out
    assert "torch" in run.out
    assert "All is well" in run.out
