"""Every script beside the package runs as it stands, and what it says is so; the notebook runs from top to bottom."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from needs import needs

sys.path.append(str(Path(__file__).parents[1] / "executors"))

from engines import a_slurm

import solvers_zoo as zoo
from solvers_zoo.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.fixture(autouse=True)
def _quietly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A folder of its own, where a user's script would find no warnings to be errors; torch's generator as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        yield


def run(script: str, *arguments: str) -> dict[str, Any]:
    """What a script has defined when it has come to its end."""
    kept, sys.argv = sys.argv, [script, *arguments]
    try:
        return runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    finally:
        sys.argv = kept


def command(*words: object) -> int:
    """The exit status of a command."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def test_every_script_is_short_says_how_it_is_run_and_is_run_here() -> None:
    tested = Path(__file__).read_text()
    for name in SCRIPTS:
        text = (EXAMPLES / name).read_text()
        assert len(text.splitlines()) < 60, name
        assert f"python examples/{name}" in text.split('"""')[1], name
        assert f'run("{name}"' in tested, name


def test_sample() -> None:
    found = run("sample.py")
    assert found["result"].nfe == 21
    assert torch.equal(found["few"].x, found["many"].x[:10])
    assert float((found["again"] - found["result"].x).abs().max()) < 0.02


def test_compare(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run("compare.py")["rows"]
    least = {row["solver"]: row["value"] for row in rows if "6" in str(row["budget"]).split()}
    assert min(least, key=least.__getitem__) == "ipndm-4"
    assert least["heun"] > 2 * least["ddim"]
    assert run("compare.py")["rows"] == rows
    assert "0 of 15 cells computed now" in capsys.readouterr().out


def test_your_model() -> None:
    found = run("your_model.py")
    x = zoo.sample(found["model"](), "unipc-3", nfe=12, n=500, denoise=True).x
    exact = found["data"](1000, torch.manual_seed(5))
    away = torch.cdist(x, exact).amin(1).mean()
    assert float(away) < 0.08
    assert float(torch.cdist(exact, x).amin(1).mean()) < 0.12  # and no part of the spiral is missing


def test_your_solver(capsys: pytest.CaptureFixture[str]) -> None:
    findings = run("your_solver.py")["findings"]
    assert not [finding.message for finding in findings if finding.status == "fail"]
    assert sum(finding.check.startswith("order") and finding.status == "pass" for finding in findings) >= 4
    file = EXAMPLES / "your_solver.py"
    capsys.readouterr()
    assert command("sample", "--plugin", file, "--solver", "two-step", "--steps", 6, "-n", 20, "--json") == 0
    assert json.loads(capsys.readouterr().out)["nfe"] == 6


def test_your_sde(capsys: pytest.CaptureFixture[str]) -> None:
    found = run("your_sde.py")
    sde = found["SquareRoot"]()
    for t in (1e-5, 0.3, 0.99):
        point = sde.at(t)
        assert point.alpha**2 + point.sigma**2 == pytest.approx(1.0, abs=1e-14)
        assert float(sde.t_of_lam(point.lam)) == pytest.approx(t, rel=1e-9)
        slope = (sde.alpha(t * 1.0001) - sde.alpha(t * 0.9999)) / (t * 0.0002)
        assert point.dalpha == pytest.approx(slope, rel=1e-3)
    line = ["--sde", "square-root", "--model", "ring", "--solver", "unipc-3", "--nfe", 12, "-n", 20, "--json"]
    assert command("sample", "--plugin", EXAMPLES / "your_sde.py", *line) == 0
    capsys.readouterr()
    assert command("show", "--plugin", EXAMPLES / "your_sde.py", "--kind", "sde", "square-root") == 0
    assert "2205.14217" in capsys.readouterr().out


def test_inpainting() -> None:
    found = run("inpainting.py")
    upper, truth = found["upper"], found["truth"]
    off = {name: float((one.x - truth)[:, upper].square().mean().sqrt()) for name, one in found["runs"].items()}
    assert off["RePaint"] < 0.01
    assert max(off["PiGDM"], off["DDNM"]) < 0.5 * off["nothing"]


def test_likelihood() -> None:
    found = run("likelihood.py")
    assert float((found["found"].log_p - found["exact"]).abs().max()) < 1e-4  # rk4 in 40 steps
    assert float(found["off"]) < 2
    assert abs(found["bound"].mean[0] + float(found["exact"].mean())) < 4 * float(found["error"])


@needs("diffusers")
def test_diffusers_pipeline() -> None:
    found = run("diffusers_pipeline.py")
    assert found["images"].shape == (4, 8, 8, 1)
    assert found["result"].nfe == 10
    assert bool(found["result"].x.isfinite().all())


def test_slurm_sweep(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On Slurm what it gives here, and nothing is computed twice."""
    monkeypatch.delenv("SLURM_CONF", raising=False)  # of a Slurm that other tests of this process have, and get back
    here = run("slurm_sweep.py", "serial")["rows"]
    assert len(here) == 4
    shutil.rmtree("sweep-results")
    with a_slurm(tmp_path / "slurm"):
        there = run("slurm_sweep.py", "slurm(batch=4, poll=0.3, time=5)")["rows"]
    assert [row["value"] for row in there] == [row["value"] for row in here]
    run("slurm_sweep.py", "serial")
    assert "0 cells computed now" in capfd.readouterr().out


def test_the_notebook_runs_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells of code in their order in one namespace: no Jupyter is needed for that, whose kernel is fifty packages."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    book = json.loads((EXAMPLES / "tour.ipynb").read_text())
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(book["cells"]):
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | (
            {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        )
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], f"cell {number} has outputs; strip them"
            assert cell["execution_count"] is None
            exec(compile("".join(cell["source"]), f"tour.ipynb, cell {number}", "exec"), names)
    names["plt"].close("all")
    assert names["errors"]["ipndm-3"][-1][1] < 0.1 * names["errors"]["ddim"][-1][1]
    assert not [finding.message for finding in names["findings"] if finding.status == "fail"]
    assert float((names["found"].log_p - names["truth"]).abs().max()) < 1e-2
