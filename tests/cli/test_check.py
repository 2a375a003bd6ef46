"""``zoo check``: what it examines, what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_plugins import SOLVER
from run_zoo import run_zoo

from solvers_zoo.cli import main
from solvers_zoo.registry import registry
from solvers_zoo.testing import CHECKS


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch):
    """What a test loads stays its own."""
    monkeypatch.setattr(registry, "_default", None)


@pytest.fixture
def boaster(tmp_path: Path) -> Path:
    """A solver of first order that claims to be of second."""
    path = tmp_path / "boaster.py"
    source = SOLVER.format(name="boaster", cls="Boaster", more="")
    path.write_text(source.replace("order=1, weak_order=1", "order=2"))
    return path


def check(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(["check", *map(str, arguments)])
    streams = capsys.readouterr()
    assert streams.err == ""
    return int(end.value.code or 0), streams.out


def test_false_claim_is_found_and_fails(boaster: Path, capsys: pytest.CaptureFixture[str]):
    status, out = check(capsys, boaster, "--only", "order-mixture", "--only", "seed")
    assert status == 1
    assert "✗" in out
    assert "order 1.0" in out
    assert "✓" in out  # the other claim, which holds
    assert "1 FAIL" in out


def test_file_with_all_checks_as_json(boaster: Path, capsys: pytest.CaptureFixture[str]):
    status, out = check(capsys, boaster, "--quick", "--json")
    report = json.loads(out)
    assert status == 1
    assert report["ok"] is False
    (solver,) = report["solvers"]
    assert solver["solver"] == "boaster.py:boaster"
    assert {finding["check"] for finding in solver["findings"]} == {check.name for check in CHECKS}
    failed = {finding["check"] for finding in solver["findings"] if finding["status"] == "fail"}
    assert "order-mixture" in failed
    assert "seed" not in failed


def test_good_solver_and_specification_pass(capsys: pytest.CaptureFixture[str]):
    status, out = check(capsys, "ddim:eta=0.5", "--only", "seed")
    assert status == 0
    assert "Every claim holds" in out
    status, out = check(capsys, "heun", "ddim", "--only", "evaluations")
    assert status == 0
    assert "2 of 2 solvers hold their claims" in out


def test_package_means_all_its_solvers_and_processes_share_them():
    run = run_zoo("check", "zoo_ddpm", "--only", "evaluations", "--jobs", 2, "--json")
    assert run.status == 0, run.err
    assert [one["solver"] for one in run.json["solvers"]] == ["solvers-zoo:ddim", "solvers-zoo:ddpm"]


def test_unknown_check_is_one_sentence():
    run = run_zoo("check", "heun", "--only", "ordr-mixture")
    assert run.status == 1
    assert "Did you mean 'order-mixture'" in run.err
    assert run.out in ("", "heun\n")


def test_where_nothing_is_stale_nothing_is_measured_and_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ZOO_PLUGINS", "catalogue")
    status, told = check(capsys, "--all", "--stale")
    assert status == 0
    assert told == "No solver's code changed since it was last stored; without --stale all are measured.\n"
