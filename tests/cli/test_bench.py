"""``zoo bench`` and ``zoo recommend`` as people run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from run_zoo import ZOO, assert_one_sentence, run_zoo

ODD = Path(__file__).parents[1] / "bench" / "odd_solvers.py"
SMALL = (
    "--models",
    "ring",
    "--nfe",
    "4,8",
    "-n",
    "64",
    "--metrics",
    "strong,mean",
    "--repeats",
    "1",
    "--executor",
    "serial",
)


def test_a_ranked_table_and_what_is_found_again(tmp_path: Path):
    first = run_zoo("bench", "--solvers", "heun,dpmpp-2m", *SMALL, cwd=tmp_path)
    assert first.status == 0, first.err
    lines = first.out.splitlines()
    assert lines[0].startswith("ring")
    assert lines[1].split()[:5] == ["strong", "NFE", "4", "NFE", "8"]
    assert {line.split()[0] for line in lines[2:4]} == {"dpmpp-2m", "heun"}
    assert "4 cells;" in first.out
    again = run_zoo("bench", "--solvers", "heun,dpmpp-2m,ddim", *SMALL, "--json", cwd=tmp_path)
    facts = again.json
    assert (facts["cells"], facts["computed"], facts["failed"]) == (6, 2, [])
    (table,) = facts["tables"]
    assert (table["model"], table["metric"]) == ("ring", "strong")
    assert len(table["rows"]) == 6


def test_a_study_in_a_file_and_options_that_win(tmp_path: Path):
    written = run_zoo("bench", "--solver", "ddim(eta=0.5)", *SMALL[:-2], "--write-config", "s.toml", cwd=tmp_path)
    assert written.status == 0
    assert not (tmp_path / "zoo-results").exists()
    run = run_zoo("bench", "--config", "s.toml", "--steps", "3", "--executor", "serial", "--json", cwd=tmp_path)
    assert run.status == 0, run.err
    assert run.json["study"]["steps"] == [3]
    assert "nfe" not in run.json["study"]
    assert run.json["study"]["solvers"] == ["ddim(eta=0.5)"]


def test_cells_that_fail_are_said_and_cost_the_exit_status_only(tmp_path: Path):
    run = run_zoo("bench", "--plugin", ODD, "--solvers", "raises,heun", *SMALL, cwd=tmp_path)
    assert run.status == 1
    assert "heun" in run.out
    assert run.err.startswith("Error: 2 of 4 cells failed, the others are kept: raises on ring: ZeroDivisionError")
    assert "Traceback" not in run.err


def test_cells_without_a_meaning_cost_nothing(tmp_path: Path):
    run = run_zoo("bench", "--solvers", "rk4,heun", *SMALL[:2], "--nfe", "3,8", *SMALL[4:], cwd=tmp_path)
    assert run.status == 0, run.err
    assert "Skipped 1" in run.out
    assert "does not pay for one step" in run.out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--solvers", "huen"), 1, ("huen", "heun")),
        (("--models", "rnig"), 1, ("rnig", "ring")),
        (("--solvers", "ddim:eta=-1"), 1, ("eta = -1",)),
        (("--metrics", "stong"), 1, ("stong", "strong")),
        (("--nfe", "five"), 2, ("--nfe 'five'", "5,8,10")),
        (("--nfe", "5", "--steps", "5"), 2, ("not both",)),
        (("--nfe", "0"), 2, ("nfe = 0",)),
        (("-n", "1"), 2, ("at least two",)),
        (("--dtypes", "float8"), 2, ("float8",)),
        (("--start", "middle"), 2, ("auto, exact or prior",)),
        (("--config", "absent.toml"), 1, ("absent.toml", "cannot be read")),
        (("--write-config", "study.ini"), 2, (".toml or .yaml",)),
        (("--write-config", "absent/study.toml"), 1, ("cannot be written",)),
        (("--force", "--retry"), 2, ("not both",)),
        (("--executor", "slrum"), 1, ("slrum",)),
        (("--executor-option", "time=1"), 2, ("--executor",)),
        (("--store", "/dev/null"), 1, ("/dev/null",)),
        (("--shape", "1,2"), 2, ("--overhead",)),
        (("--overhead", "--shape", "0"), 2, ("--shape '0'",)),
        (("--model", "absent.py:model"), 1, ("absent.py",)),
    ],
)
def test_bad_input_is_one_sentence(arguments: tuple[str, ...], status: int, words: tuple[str, ...], tmp_path: Path):
    assert_one_sentence(run_zoo("bench", *arguments, cwd=tmp_path), status, *words)
    assert not (tmp_path / "zoo-results" / "cells").exists()


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path):
    trace = tmp_path / "trace"
    budgets = ",".join(map(str, range(2, 400)))
    process = subprocess.Popen(
        [
            ZOO,
            "bench",
            "--plugin",
            str(ODD),
            "--solvers",
            "traced",
            "--models",
            "ring",
            "--nfe",
            budgets,
            "-n",
            "64",
            "--metrics",
            "mean",
            "--repeats",
            "0",
            "--executor",
            "serial",
        ],
        cwd=tmp_path,
        env=os.environ | {"ZOO_TRACE": str(trace), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    while process.poll() is None and len(trace.read_text().splitlines() if trace.exists() else []) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert "kept" in err
    cells = len(list((tmp_path / "zoo-results" / "cells").glob("*/*.json")))
    assert cells >= 2
    before = len(trace.read_text().splitlines())
    again = run_zoo(
        "bench",
        "--plugin",
        ODD,
        "--solvers",
        "traced",
        "--models",
        "ring",
        "--nfe",
        "2,3",
        "-n",
        "64",
        "--metrics",
        "mean",
        "--repeats",
        "0",
        "--executor",
        "serial",
        cwd=tmp_path,
        ZOO_TRACE=str(trace),
    )
    assert again.status == 0, again.err
    assert len(trace.read_text().splitlines()) == before, "what was finished before Ctrl-C was computed again"


@pytest.mark.timeout(900)
def test_a_recommendation_for_a_model_from_a_file(tmp_path: Path):
    (tmp_path / "mine.py").write_text(
        "import solvers_zoo as zoo\n"
        "law = zoo.Mixture([0.4, 0.6], [[-1.0], [1.0]], [0.04, 0.09], sde=zoo.EDM())\n"
        "model = zoo.FunctionModel(lambda x, t: law(x, law.sde.at(float(t[0]))).x0, sde=law.sde, prediction='x0', shape=(1,))\n"
    )
    command = ("recommend", "--model", "mine.py:model", "--nfe", "8", "--stochastic", "no", "--executor", "serial")
    few = {"ZOO_PLUGINS": "catalogue,ddpm,multistep"}  # so that the search is short
    facts = run_zoo(*command, "--json", cwd=tmp_path, **few).json
    assert facts["pick"]["nfe"] <= 8
    assert facts["pick"]["error"] == min(one["error"] for one in facts["standings"])
    said = run_zoo(*command, cwd=tmp_path, **few)
    assert said.status == 0, said.err
    assert f"Use {facts['pick']['solver']} on the grid {facts['pick']['grid']}" in said.out
    assert facts["python"] in said.out
    words = next(line for line in said.out.splitlines() if line.startswith("shell")).split()[1:]
    drawn = run_zoo(*words[1:], "-n", "10", "--json", cwd=tmp_path)
    assert drawn.status == 0, drawn.err
    assert json.loads(drawn.out)["nfe"] <= 8


def test_a_budget_that_no_solver_can_do_with_is_said(tmp_path: Path):
    run = run_zoo("recommend", "--model", "ring", "--nfe", "0", cwd=tmp_path)
    assert_one_sentence(run, 2, "--nfe 0")
