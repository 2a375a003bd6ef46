"""The executors under test, each made once, and what they need on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from needs import require

import solvers_zoo as zoo
from solvers_zoo import registry

ROOT = Path(__file__).parents[2]
KINDS = ("serial", "processes", "slurm", "ray")


@contextmanager
def a_slurm(folder: Path) -> Iterator[None]:
    """A Slurm of one node while the context lasts."""
    require("submitit", "slurm")
    subprocess.run([ROOT / "ci" / "slurm.sh", "start", folder], check=True, stdout=sys.stderr)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    try:
        yield
    finally:
        subprocess.run([ROOT / "ci" / "slurm.sh", "stop", folder], check=True, stdout=sys.stderr)
        del os.environ["SLURM_CONF"]


@contextmanager
def a_ray() -> Iterator[None]:
    """A Ray of two cores while the context lasts."""
    require("ray")
    try:
        yield registry.default().make("executor", "ray:workers=2").join()
    finally:
        import ray

        ray.shutdown()


def executor(kind: str, folder: Path) -> zoo.Executor:
    """The executor of a kind, as the contract is tested on it."""
    options = {
        "processes": {"workers": 2},
        "slurm": {"workers": 2, "batch": 110, "poll": 0.3, "folder": str(folder), "time": 5},
        "ray": {"workers": 2},
    }
    return registry.default().make("executor", kind, **options.get(kind, {}))


def gone(pid: int) -> bool:
    """Whether a process is not there any more (one that nobody has reaped yet is not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def eventually(true, seconds: float = 60.0) -> bool:
    """Wait for something to become true."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
