"""A store that `zoo bench --solvers heun,dpmpp-2m --models mixture-1d --nfe 5 -n 64 --metrics sliced-w1 --repeats 0` of 0.1.0 wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from run_zoo import run_zoo

OLD = Path(__file__).parents[1] / "data" / "store-0.1"
SWEEP = ("--models", "mixture-1d", "--nfe", "5", "-n", "64", "--metrics", "sliced-w1", "--repeats", "0")
WHY = "Computed anew: 2 cells of the store, because the code behind them has changed since;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a copy of the store, under the name that commands take by default."""
    shutil.copytree(OLD, tmp_path / "zoo-results")
    return tmp_path


def test_old_cells_are_shown(folder: Path):
    shown = run_zoo("results", "--json", cwd=folder).json
    assert {row["solver"]: row["value"] for row in shown["rows"]} == pytest.approx(
        {"dpmpp-2m": 0.9524090368849695, "heun": 27.445964073225845}
    )
    named = run_zoo("results", "--study", "e9b339700e50", "--cells", "--json", cwd=folder).json
    assert {row["solver"] for row in named["rows"]} == {"dpmpp-2m", "heun"}
    assert run_zoo("report", "--out", "report.html", cwd=folder).status == 0
    page = (folder / "report.html").read_text()
    assert "dpmpp-2m" in page
    assert "zoo bench --solvers heun,dpmpp-2m --models mixture-1d" in page


def test_old_cells_are_computed_anew_and_the_reason_is_told_once(folder: Path):
    first, second, third = (
        run_zoo("bench", "--solvers", solvers, *SWEEP, "--executor", "serial", cwd=folder)
        for solvers in ("heun,dpmpp-2m", "heun,dpmpp-2m", "heun,dpmpp-2m,ddim")
    )
    assert first.status == second.status == third.status == 0
    assert first.out.count(WHY) == 1
    assert "2 of them found in the store" in second.out
    assert "Computed anew" not in second.out
    assert "2 of them found in the store" in third.out
    assert "Computed anew" not in third.out
    assert run_zoo("results", "--json", cwd=folder).json["cells"] == 3
    assert run_zoo("results", "--stale", "--json", cwd=folder).json["cells"] == 5
