"""What is skipped for the lack of a tool is what ``--lacking`` runs, and there nothing is skipped."""

from __future__ import annotations

import sys
from pathlib import Path

import needs
import pytest

HERE = Path(__file__).parent
pytest_plugins = "pytester"
TESTS = """
import needs, pytest
needs.TOOLS["glass"] = needs.Tool("apt-get install glass", ("made_of_glass",))
{outside} = needs.imported("made_of_glass").{outside}

@needs.needs("glass")
@pytest.mark.parametrize("pane", ["left", "right"])
def test_marked(pane):
    pass

def test_asked_for_on_the_way():
    needs.require("glass")

@pytest.mark.skip("the moon is new")
def test_skipped_otherwise():
    pass

def test_passes():
    pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    """A run of those tests with these options: how many passed, failed and were skipped, and all it says."""
    pytester.makepyfile(test_glass=TESTS.format(outside="shards"))
    hooks = [name for name in vars(needs) if name.startswith("pytest_")]
    pytester.makeconftest(f"import sys\nsys.path.append({str(HERE)!r})\nfrom needs import {', '.join(hooks)}")

    def run(*options: str):
        found = pytester.runpytest_inprocess("-rs", *options)
        for name in ("test_glass", "made_of_glass"):
            sys.modules.pop(name, None)
        counts = found.parseoutcomes()
        failed = counts.get("failed", 0) + counts.get("errors", 0)
        return (counts.get("passed", 0), failed, counts.get("skipped", 0)), found.stdout.str()

    return run


def test_a_list_is_kept_and_run(run, pytester: pytest.Pytester):
    reason = "not installed here: made_of_glass (apt-get install glass)"
    counts, said = run()
    assert counts == (1, 0, 4)
    assert reason in said
    counts, said = run("--lacking")  # still missing
    assert counts == (0, 3, 0)
    assert reason in said
    pytester.makepyfile(made_of_glass="shards = 5")
    assert run("--lacking")[0] == (3, 0, 0)
    assert run("--lacking")[0] == (3, 0, 0)  # as often as one likes
    assert run()[0] == (4, 0, 1)
    assert run("--lacking")[0] == (0, 0, 0)


def test_workers_tell_the_list_and_read_it(run, pytester: pytest.Pytester):
    assert run("-n", "1")[0] == (1, 0, 4)
    pytester.makepyfile(made_of_glass="shards = 5")
    assert run("-n", "1", "--lacking")[0] == (3, 0, 0)


def test_a_test_that_is_gone_is_reported(run, pytester: pytest.Pytester):
    run()
    pytester.makepyfile(test_glass="def test_passes(): pass")
    found = pytester.runpytest_inprocess("--lacking")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert "not there any more: test_glass.py::test_asked_for_on_the_way" in found.stderr.str() + found.stdout.str()
