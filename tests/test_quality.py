"""Lint, format and types are part of the tests."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "tool",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["lint", "format", "types"],
)
def test_the_tree_is_clean(tool: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_beside_the_tests_can_be_told_apart() -> None:
    """Without packages pytest imports them by their bare names, and `conftest` is whichever was loaded first."""
    paths = [path for path in (ROOT / "tests").rglob("*.py") if path.stem not in ("conftest", "__init__")]
    names = [path.name for path in paths]
    assert sorted(names) == sorted(set(names))
    assert [path for path in paths if "from conftest import" in path.read_text() and path != Path(__file__)] == []


#: What tells the day or the hour, so that a test that asks it may pass today and fail tomorrow.
CALENDAR = {"today", "now", "utcnow", "fromtimestamp", "time", "time_ns", "localtime", "gmtime", "ctime", "strftime"}
READS_IT = {"bench/test_store.py": "a file is made two days old"}
#: What waits or measures how long something takes.
WATCH = {"sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"}
WAITS = {
    "bench/kill_sweep.py": "a command by hand: kills at random instants",
    "bench/odd_solvers.py": "a solver that hangs, which a limit of time ends",
    "bench/read_many.py": "a command by hand: how long a thousand files take",
    "bench/recommend_trial.py": "a command by hand: how long a recommendation takes",
    "browser.py": "until a page has loaded, and no longer than a minute",
    "cli/test_bench.py": "until a file of another process is there",
    "docs/conftest.py": "until the worker that builds the site is done",
    "docs/test_docs_site.py": "until the search has answered",
    "executors/chores.py": "tasks that take too long, which is what they are for",
    "executors/efficiency.py": "a command by hand: the share of time that workers work",
    "executors/engines.py": "until another process is gone",
    "executors/test_attempt.py": "a task that goes on for a little longer than it may",
    "train/mnist_figures.py": "a command by hand: the figures of a page",
}


def _asked_of_a_clock(path: Path) -> set[str]:
    """Which functions of the clock a file calls or imports."""
    tree = ast.parse(path.read_text())
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime")
    ]
    clocks = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names} & {
        "time",
        "datetime",
    }
    found = {alias.name for node in imports for alias in node.names}
    return (found | named if clocks or imports else found) & (CALENDAR | WATCH)


def test_no_choice_and_no_verdict_depends_on_the_clock() -> None:
    """The same code is tested alike on any day; what waits for another process says so here."""
    found = {
        path.relative_to(ROOT / "tests").as_posix(): _asked_of_a_clock(path) for path in (ROOT / "tests").rglob("*.py")
    }
    assert {name for name, asked in found.items() if asked & CALENDAR} == READS_IT.keys()
    assert {name for name, asked in found.items() if asked & WATCH} == WAITS.keys()


#: Loaded by a new process before anything else: all clocks that tell the day go a month ahead.
A_MONTH_AHEAD = """
import datetime, time

MONTH = 30 * 86_400
real, real_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: real() + MONTH, lambda: real_ns() + MONTH * 10**9

class Date(datetime.date):
    @classmethod
    def today(cls):
        return datetime.date.fromtimestamp(time.time())

class DateTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time.time(), tz)

datetime.date, datetime.datetime = Date, DateTime
"""


def test_a_month_from_now_the_same_tests_are_collected(tmp_path: Path) -> None:
    """Of the folders whose tests are drawn."""
    (tmp_path / "sitecustomize.py").write_text(A_MONTH_AHEAD)
    places = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    line = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", "-o", "addopts="]
    line += ["-q", "tests/docs", "tests/kit/test_bundled.py", "tests/kit/test_measured.py", "tests/mutation"]
    both = [
        subprocess.Popen(line, cwd=ROOT, env=each, text=True, stdout=subprocess.PIPE) for each in (os.environ, places)
    ]
    now, then = ([name for name in run.communicate()[0].splitlines() if "::" in name] for run in both)
    assert now == then
    assert len(now) > 100
