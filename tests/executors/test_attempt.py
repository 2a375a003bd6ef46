"""One try in this process: limits, memory, what is not finite, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from chores import chore

import solvers_zoo as zoo
from solvers_zoo.executors import Failure, attempt


def diverges(_: object) -> None:
    zoo.sample(zoo.FunctionModel(lambda x, t: x * float("nan"), sde=zoo.VE(), prediction="x0", shape=(2,)), steps=2)


def runs_out(_: object) -> None:
    import torch

    torch.empty(2**55)


def test_a_run_that_is_not_finite_is_told_from_other_errors():
    found = attempt(diverges, None)
    assert isinstance(found, Failure)
    assert found.kind == "nan"
    assert "step 1 of 2" in found.reason
    found = attempt(runs_out, None)
    assert isinstance(found, Failure)
    assert found.kind == "memory"


@pytest.mark.parametrize("what", ["sleep", "swallow"])
def test_a_limit_is_kept_and_leaves_no_trace(what: str):
    ours = []
    before = signal.signal(signal.SIGALRM, lambda *_: ours.append("rang"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 3600.0)
        found = attempt(chore, (what, 60.0), 0.05)
        assert isinstance(found, Failure)
        assert found == Failure.timeout(0.05)
        assert attempt(chore, ("echo", 1), 60.0) == (1, 2)
        assert 3000.0 < signal.setitimer(signal.ITIMER_REAL, 0.0)[0] <= 3600.0  # whoever had set a timer still has it
        os.kill(os.getpid(), signal.SIGALRM)
        assert ours == ["rang"]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_limit_that_is_not_reached_never_rings():
    assert [attempt(chore, ("echo", number), 0.02) for number in range(50)] == [(n, 2 * n) for n in range(50)]
    time.sleep(0.05)


def test_outside_the_main_thread_there_is_no_limit():
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(attempt(chore, ("sleep", 0.1), 0.01)))
    thread.start()
    thread.join()
    assert found == [None]


def test_ctrl_c_is_no_failure_of_the_task():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            attempt(chore, ("stop", None), 60.0)
        with pytest.raises(KeyboardInterrupt):  # a run of the zoo turns it into an error of its own
            attempt(_stopped_run, None)
    finally:
        signal.signal(signal.SIGINT, before)


def _stopped_run(_: object) -> None:
    def stop(_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    zoo.sample(zoo.model("ring"), steps=3, callback=stop)
