"""Shared fixtures: one thread, float64 where exactness is asked for, a registry of the installed plugins."""

from __future__ import annotations

from pathlib import Path

import needs
import pytest
import torch
from draw import header
from needs import (  # noqa: F401  (hooks)
    pytest_runtest_makereport,
    pytest_runtest_setup,
)

from solvers_zoo.registry import registry

torch.set_num_threads(1)

HERE = Path(__file__).parent
#: What ``--fast`` leaves out beside single tests that are marked slow, and what takes the time there. All else is the fast loop,
#: a new folder too.
SLOW = {
    "agreement": "the schedulers of another library, imported and built",
    "bench": "sweeps of many cells, files of many cells, a browser",
    "cli": "each test starts processes that import the package",
    "docs": "the site is built, and its snippets are run",
    "examples": "the scripts are run, and the picture of the README is measured",
    "executors": "workers, clusters, tasks that take too long",
    "kit": "the conformance kit on many solvers",
    "lectures": "studies of thousands of samples",
    "mutation": "the kit on many wrong solvers",
    "test_needs.py": "runs of pytest within a test",
    "test_quality.py": "types of the whole tree",
    "train": "networks are trained",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--lacking`` and ``--fast``."""
    needs.pytest_addoption(parser)
    parser.addoption("--fast", action="store_true", help="leave out what is slow: " + ", ".join(SLOW))


def pytest_configure(config: pytest.Config) -> None:
    """The marks."""
    needs.pytest_configure(config)
    config.addinivalue_line("markers", "slow: takes seconds; --fast leaves it out")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--lacking`` what was skipped, with ``--fast`` nothing that is marked slow."""
    needs.pytest_collection_modifyitems(config, items)
    if config.getoption("fast"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("slow")])
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What ``--fast`` leaves out is not even imported."""
    inside = collection_path.relative_to(HERE).parts if collection_path.is_relative_to(HERE) else ()
    return True if config.getoption("fast") and SLOW.keys() & set(inside[:1]) else None


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The hash that draws what this run examines of what is too much for one run, at its head; pytest's own header ``-q`` hides."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(header())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests wish to be read though they pass or are skipped: ``record_property("told", line)``."""
    reports = [report for kind in ("passed", "skipped", "failed") for report in terminalreporter.getreports(kind)]
    told = [line for report in reports for name, line in report.user_properties if name == "told"]
    for line in told and ["", *told]:
        terminalreporter.write_line(str(line))


@pytest.fixture(autouse=True)
def _global_state_untouched():
    """No test may leave torch's default dtype changed, nor one-off plugins of its own to the tests after it."""
    yield
    assert torch.get_default_dtype() is torch.float32
    if registry._default is not None and any(plugin.version == "file" for plugin in registry._default.plugins):
        registry._default = None
