"""What is Slurm's or Ray's alone: jobs outlive who submitted them, a cluster is joined, and reasons say what was wrong."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from chores import chore
from engines import eventually, executor
from needs import needs

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.executors import Failure

_LEADER = """
import sys
sys.path.insert(0, {here!r})
from chores import chore
from solvers_zoo import registry

for _, found in registry.default().make("executor", {spec!r}).run(chore, {items!r}):
    print(found, flush=True)
"""


def lead(spec: str, items: list[tuple[str, object]]) -> subprocess.Popen[str]:
    """Another process that leads a run."""
    code = _LEADER.format(here=str(Path(__file__).parent), spec=spec, items=items)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_jobs_outlive_who_submitted_them(slurm: None, tmp_path: Path):
    folder = tmp_path / "jobs"
    leader = lead(f"slurm(folder={str(folder)!r}, batch=2)", [("sleep", 1.0), ("echo", "done")])
    assert eventually(lambda: any(folder.glob("*/begun/0")))
    leader.kill()
    leader.communicate()
    assert eventually(lambda: any(folder.glob("*/results/1")))


def test_a_job_that_is_called_off_is_submitted_again(slurm: None, tmp_path: Path):
    made = executor("slurm", tmp_path / "jobs").replace(batch=1)
    found = dict(made.run(chore, [("stop_the_job_once", str(tmp_path / "mark")), ("stop_the_job", None)]))
    assert found[0] == "alive"
    assert isinstance(found[1], Failure)
    assert found[1].kind == "lost"
    assert "CANCELLED" in found[1].reason
    log = Path(found[1].reason.split("; ")[-1].rstrip(")."))
    assert "CANCELLED" in log.read_text()  # what the reason names is kept


def test_what_slurm_refuses_is_said_and_nothing_stays(slurm: None, tmp_path: Path):
    made = executor("slurm", tmp_path / "jobs")
    with pytest.raises(zoo.ZooError, match=r"Slurm did not take the jobs: .*invalid partition"):
        list(made.replace(partition="nowhere").run(chore, [("echo", 1)]))
    assert list(made.run(chore, [("echo", 1)])) == [(0, (1, 2))]
    assert not list((tmp_path / "jobs").iterdir())


def test_options_become_flags_of_sbatch():
    made = registry.default().make(
        "executor", "slurm(partition=gpu, time=90, gpus=1, memory=2.5, extra='qos=high,exclusive,--mail-type=END')"
    )
    assert registry.default().make("executor", str(made)) == made
    found = made.parameters(batch=3, limit=None)
    assert (found["partition"], found["time"], found["gpus_per_node"], found["mem"]) == ("gpu", 90, 1, "2500M")
    assert found["additional_parameters"] == {"qos": "high", "exclusive": True, "mail-type": "END"}
    assert "account" not in found
    by_limit = registry.default().make("executor", "slurm").parameters(batch=3, limit=58.0)
    assert by_limit["time"] == 6
    with pytest.raises(zoo.OptionError, match="name=value"):
        registry.default().make("executor", "slurm(extra='a b=c')")


def test_a_ray_that_runs_already_is_joined(ray: None):
    leader = lead("ray:address=auto", [("place", None), ("raise", "é"), ("die", None)])
    said, _ = leader.communicate(timeout=120)
    assert leader.returncode == 0
    assert len(said.splitlines()) == 3, said  # and Ray itself says nothing among the results
    assert "ValueError: é" in said
    assert "WorkerCrashedError" in said


@needs("ray")
def test_a_ray_that_is_not_there_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert registry.default().make("executor", "ray", address=f"ray://{address}").supports() == ""
    for written in (address, f"ray://{address}"):
        assert f"nobody answers at {written}" in registry.default().make("executor", "ray", address=written).supports()


@pytest.mark.parametrize("name", ["slurm", "ray"])
def test_what_is_not_installed_is_said_with_its_command(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    reason = registry.default().make("executor", name).supports()
    assert f'pip install "solvers-zoo[{name}]"' in reason


@needs("submitit")
def test_a_machine_without_slurm_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert "no sbatch" in registry.default().make("executor", "slurm").supports()
