"""``--executor`` and ``--shard`` as a user types them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from needs import needs

sys.path.append(str(Path(__file__).parents[1] / "cli"))

from run_zoo import assert_one_sentence, run_zoo

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.cli.common import Halt
from solvers_zoo.cli.executor_options import executor_from

#: Sends Ctrl-C to the command, once, wherever its samples are drawn.
MODEL = """
import os, signal
from pathlib import Path
import solvers_zoo as zoo

class Counted(zoo.ModelWrapper):
    calls = 0

    def predict(self, x, point, **condition):
        Counted.calls += 1
        if Counted.calls == int(os.environ.get("STOP_AT", 0)) and not Path("stopped").exists():
            Path("stopped").touch()
            os.kill(int(Path("pid").read_text()), signal.SIGINT)
        return super().predict(x, point, **condition)

if not Path("pid").exists():
    Path("pid").write_text(str(os.getpid()))

def model(sde=None):
    return Counted(zoo.model("ring", sde=sde))
"""
LINE = [
    "sample",
    "--model",
    "mine.py",
    "--sde",
    "vp",
    "--solver",
    "ddim:eta=1",
    "--steps",
    10,
    "-n",
    200,
    "--chunk",
    25,
    "--denoise",
]


@pytest.mark.parametrize("how", [["--shard", 25], ["--executor", "processes", "--executor-option", "workers=1"]])
def test_ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on(how: list, tmp_path: Path):
    (tmp_path / "mine.py").write_text(MODEL)
    stopped = run_zoo(*LINE, *how, "--out", "a.npz", cwd=tmp_path, STOP_AT="35")
    assert_one_sentence(stopped, 130, "kept in a.npz.shards", "the same command goes on")
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "a.npz.shards").iterdir()}
    assert 3 <= len(kept) < 8
    assert not (tmp_path / "a.npz").exists()
    resumed = run_zoo(*LINE, *how, "--out", "a.npz", "--json", cwd=tmp_path)
    assert resumed.err == ""
    assert (resumed.json["n"], resumed.json["nfe"], resumed.json["shards"]) == (200, 11, "a.npz.shards")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    whole = zoo.sample(zoo.model("ring", sde="vp"), "ddim:eta=1", steps=10, n=200, chunk=25, denoise=True)
    assert torch.equal(zoo.Result.load(tmp_path / "a.npz").x, whole.x)


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("--executor procesess", 1, ["no executor named 'procesess'", "processes", "zoo list executors"]),
        ("--executor processes --executor-option worker=2", 1, ["no option 'worker'", "'workers'"]),
        ("--executor processes --executor-option workers=two", 1, ["workers = ", "a whole number >= 1"]),
        ("--executor processes --executor-option workers", 2, ["'workers'", "name=value"]),
        ("--executor-option workers=2", 2, ["goes with --executor"]),
        ("--shard 0", 2, ["--shard 0"]),
        ("--resume x.npz --executor serial --shard 3", 2, ["leave --executor, --shard out"]),
        pytest.param("--executor slurm", 1, ["slurm cannot run here", "no sbatch"], marks=needs("submitit")),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(line: str, status: int, words: list[str], tmp_path: Path):
    assert_one_sentence(run_zoo("sample", *line.split(), cwd=tmp_path, PATH="/nowhere"), status, *words)


def test_options_are_read_as_the_executor_has_them(monkeypatch: pytest.MonkeyPatch):
    found = registry.default()
    monkeypatch.setattr(found.find("executor", "slurm").cls, "supports", lambda self: "")  # and no Slurm is asked for
    made = executor_from(
        found, "slurm", ["partition=2024-gpu", "time=60", "memory=4", "folder=/scratch/a b", "extra=qos=high"]
    )
    assert (made.partition, made.time, made.memory, made.folder) == ("2024-gpu", 60, 4.0, "/scratch/a b")
    assert made.flags() == {"qos": "high"}
    assert str(executor_from(found, "processes:workers=3")) == "processes(workers=3)"
    assert executor_from(found, None).card.name == "serial"
    assert executor_from(found, None, cells=True).card.name == "processes"
    with pytest.raises(zoo.OptionError, match="given twice"):
        executor_from(found, "processes:workers=3", ["workers=2"])
    with pytest.raises(Halt, match="name=value"):
        executor_from(found, "processes", ["=2"])
