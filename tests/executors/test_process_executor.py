"""What local processes promise beyond the contract: they stay warm, and go when nobody needs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from chores import chore
from engines import eventually, gone

from solvers_zoo.executors import Failure, processes
from solvers_zoo.executors.processes import Processes

#: Leads workers that say who they are and stay.
_LEADER = """
import sys
sys.path.insert(0, {here!r})
from chores import chore
from solvers_zoo.executors.processes import Processes

for _, found in Processes(workers=2).run(chore, [("tell_and_wait", {folder!r})] * 2):
    print(found)
"""


def test_workers_have_one_thread_and_stay_warm(capfd: pytest.CaptureFixture[str]):
    made = Processes(workers=2)
    first = dict(made.run(chore, [("place", None)] * 4))
    assert len({pid for pid, _ in first.values()}) == 2
    again = dict(made.run(chore, [("place", None)] * 4))
    assert {pid for pid, _ in again.values()} == {pid for pid, _ in first.values()}
    assert dict(made.run(chore, [("threads", None)])) == {0: (1, "1")}
    assert list(made.run(chore, [("print", "a plugin speaks")])) == [(0, None)]
    streams = capfd.readouterr()
    assert streams.out == ""  # where somebody's JSON goes
    victim = next(iter(first.values()))[0]
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: gone(victim))
    later = dict(made.run(chore, [("place", None)] * 4))
    assert not [found for found in later.values() if isinstance(found, Failure)]
    assert victim not in {pid for pid, _ in later.values()}


def test_every_worker_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "_gpus", lambda: ["3", "GPU-5c"])
    assert Processes().slots == 2
    assert Processes(workers=5).slots == 5
    monkeypatch.setenv("ZOO_TEST", "surroundings that no resting worker knows")
    seen = dict(dict(Processes().run(chore, [("place", None)] * 6)).values())
    assert sorted(seen.values()) == ["3", "GPU-5c"]
    assert [processes._environment(place)["CUDA_VISIBLE_DEVICES"] for place in range(3)] == ["3", "GPU-5c", "3"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_leader(how: signal.Signals, tmp_path: Path):
    code = _LEADER.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    leader = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )
    assert eventually(lambda: len(list(tmp_path.iterdir())) == 2)
    if how == signal.SIGINT:  # a terminal sends Ctrl-C to all of them
        os.killpg(leader.pid, how)
    else:
        os.kill(leader.pid, how)
    _, said = leader.communicate(timeout=60)
    assert leader.returncode == -how
    assert said.count(b"Traceback") <= 1  # the leader's own at most
    assert eventually(lambda: all(gone(int(path.name)) for path in tmp_path.iterdir()))


def test_a_worker_that_cannot_start_is_said_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "torch.py").write_text("raise ImportError('a broken torch')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(processes.ZooError, match="ended with status 1 while it started"):
        list(Processes(workers=1).run(chore, [("echo", 1)] * 3))
