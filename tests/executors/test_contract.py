"""What every executor promises, on each of them."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest
from chores import chore
from engines import KINDS, eventually, executor, gone

import solvers_zoo as zoo
from solvers_zoo.executors import Failure

LIMIT = 1.0
WORDS = "naïve – 日本 🦓\n\x00"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of an executor, and what it needs is there."""
    if request.param in ("slurm", "ray"):
        request.getfixturevalue(request.param)
    return request.param


@pytest.fixture
def made(kind: str, tmp_path: Path) -> zoo.Executor:
    return executor(kind, tmp_path / "jobs")


def test_every_item_has_its_own_end(kind: str, made: zoo.Executor, tmp_path: Path):
    """200 tiny tasks, and among them all that can go wrong: each of those loses itself alone, and nothing is done twice."""
    items: dict[str, tuple[str, object]] = {
        "raise": ("raise", WORDS),
        "exit": ("exit", None),
        "nan": ("nan", None),
        "memory": ("memory", None),
        "torch memory": ("torch_memory", None),
        "sleep": ("sleep", 60.0),
        "swallow": ("swallow", 60.0),
    }
    if kind != "serial":  # which shares its process with the task
        items |= {
            "hang": ("hang", None),
            "die": ("die", None),
            "die once": ("die_once", str(tmp_path / "mark")),
            "unsendable": ("unsendable", None),
            "unpacked": ("echo", threading.Lock()),
        }
    tiny = {f"tiny {number}": ("echo", f"{number} {WORDS}") for number in range(200)}
    names = [*items, *tiny]
    random.Random(0).shuffle(names)
    found = {}
    for index, result in made.run(chore, [(items | tiny)[name] for name in names], LIMIT):
        assert names[index] not in found
        found[names[index]] = result
    assert found.keys() == set(names)
    for name, (_, word) in tiny.items():
        assert found[name] == (word, 2 * word)  # type: ignore[operator]
    kinds = {name: found[name].kind for name in items if isinstance(found[name], Failure)}
    expected = {
        "raise": "error",
        "exit": "error",
        "nan": "nan",
        "memory": "memory",
        "torch memory": "memory",
        "sleep": "timeout",
        "swallow": "timeout",
        "hang": "timeout",
        "die": "lost",
        "unsendable": "error",
        "unpacked": "error",
    }
    assert kinds == {name: kind for name, kind in expected.items() if name in items}, found
    assert found["raise"].reason == f"ValueError: {' '.join(WORDS.split())}"
    assert "chores.py" in found["raise"].traceback
    assert "step 1 of 2" in found["nan"].reason
    assert "longer than the 1 s" in found["sleep"].reason
    if kind != "serial":
        assert found["die once"] == "alive"
        assert "died in each of 2 tries" in found["die"].reason
        assert "cannot be sent back" in found["unsendable"].reason
        assert "cannot be sent to another process" in found["unpacked"].reason


def test_a_closed_iterator_leaves_nobody_at_work(kind: str, made: zoo.Executor, tmp_path: Path):
    if kind == "serial":
        pytest.skip("it has no workers")
    seen = tmp_path / "seen"
    seen.mkdir()
    made = made.replace(batch=1) if kind == "slurm" else made
    running = made.run(chore, [("echo", "x"), *[("tell_and_wait", str(seen))] * 5])
    assert next(running) == (0, ("x", "xx"))
    assert eventually(lambda: any(seen.iterdir()))
    running.close()
    pids = {int(path.name) for path in seen.iterdir()}
    assert os.getpid() not in pids
    assert eventually(lambda: all(gone(pid) for pid in pids))
    assert {int(path.name) for path in seen.iterdir()} == pids  # and none began after that


def test_a_task_that_cannot_be_sent_is_refused_in_words(kind: str, made: zoo.Executor):
    lock = threading.Lock()
    if kind == "serial":
        assert list(made.run(lambda item: item + lock.locked(), [1])) == [(0, 1)]
        return
    with pytest.raises(zoo.OptionError, match=r"cannot be sent to another process .*_thread.lock"):
        list(made.run(lambda item: item + lock.locked(), [1]))


def test_no_items_are_no_work(made: zoo.Executor):
    assert list(made.run(chore, [])) == []
    assert made.slots >= 1
    assert made.supports() == ""
