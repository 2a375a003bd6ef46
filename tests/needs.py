"""What some tests need and the README's test command does not install: where it is missing, they are skipped with the reason.

A test says so with ``@needs("diffusers")``, a fixture with ``require("browser")``; a file imports it with ``imported("onnx")``, so
that the same tests are collected with it and without it. ``pytest --lacking`` runs exactly the tests that the last run skipped for
this reason, and fails where something is missing still.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import pytest

from solvers_zoo.interop.libraries import LIBRARIES


class Tool(NamedTuple):
    """Something that a test may need: Python modules, programs (of which ``a|b`` is either), and the command that installs them."""

    how: str
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


TOOLS = {
    "azula": Tool(LIBRARIES["azula"][1], ("azula",)),
    "browser": Tool("apt-get install chromium", (), ("chromium|chromium-browser|google-chrome|chrome",)),
    "diffusers": Tool('pip install "solvers-zoo[diffusers]"', ("diffusers",)),
    "k-diffusion": Tool(LIBRARIES["k-diffusion"][1], ("k_diffusion", "tqdm")),
    "mkdocs": Tool(
        'pip install "solvers-zoo[docs]"',
        ("mkdocs", "material", "mkdocstrings", "latex2mathml", "ziamath", "fontTools"),
    ),
    "onnx": Tool('pip install onnx "solvers-zoo[onnx]"', ("onnx", "onnxruntime")),
    "ray": Tool('pip install "solvers-zoo[ray]"', ("ray",)),
    "slurm": Tool(
        "apt-get install slurmctld slurmd slurm-client munge", (), ("slurmctld", "slurmd", "sbatch", "munged")
    ),
    "submitit": Tool('pip install "solvers-zoo[slurm]"', ("submitit",)),
    "torchmetrics": Tool("pip install torchmetrics", ("torchmetrics",)),
}
_LACKS = "not installed here: "
_KEPT = "zoo/lacking"


def program(names: str) -> str | None:
    """The first of several programs that is on this machine; servers may lie where only root looks."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return next((found for name in names.split("|") if (found := shutil.which(name, path=path))), None)


def lack(name: str) -> str:
    """What is missing of a tool and how it is installed, or nothing."""
    tool = TOOLS[name]
    missing = [module for module in tool.modules if importlib.util.find_spec(module) is None]
    missing += [each for each in tool.programs if not program(each)]
    return f"{_LACKS}{', '.join(missing)} ({tool.how})" if missing else ""


def require(*names: str) -> None:
    """Skip what runs now if one of the tools is missing."""
    for name in names:
        if reason := lack(name):
            pytest.skip(reason)


def needs(*names: str) -> pytest.MarkDecorator:
    """The mark of a test that needs these tools."""
    assert set(names) <= TOOLS.keys(), names
    return pytest.mark.needs(*names)


class _Absent(type):
    """What stands for the names of a module that is missing, so that a file that uses them outside its tests can be collected."""

    def __getattr__(cls, name: str) -> _Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(name, (), {})


def imported(name: str, load: Callable[[str], Any] = importlib.import_module) -> Any:
    """A module, or where it is not installed something that has all names and no behaviour."""
    return load(name) if importlib.util.find_spec(name.partition(".")[0]) else _Absent(name, (), {})


# -- hooks of pytest, which conftest.py hands on ------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--lacking``."""
    words = (
        "run the tests that the last run skipped because something was not installed; what still is not, is a failure"
    )
    parser.addoption("--lacking", action="store_true", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """The mark, and who keeps the list."""
    config.addinivalue_line("markers", "needs(*tools): what of tests/needs.py a test cannot run without")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Keeper(config))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture is made."""
    require(*(name for mark in item.iter_markers("needs") for name in mark.args))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--lacking``, nothing but the list."""
    if not config.getoption("lacking"):
        return
    listed = set(_listed(config))
    rest = [item for item in items if item.nodeid not in listed]
    items[:] = [item for item in items if item.nodeid in listed]
    config.hook.pytest_deselected(items=rest)
    if lost := listed - {item.nodeid for item in items}:
        raise pytest.UsageError(f"not there any more: {', '.join(sorted(lost))}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ``--lacking``, a skip is a failure."""
    report = yield
    if report.skipped and item.config.getoption("lacking"):
        report.outcome, report.longrepr = "failed", str(report.longrepr)
    return report


class _Keeper:
    """Writes the list of what a run skipped, in pytest's cache."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.found = config, []
        self.cache = getattr(config, "cache", None)  # which `-p no:cacheprovider` does without

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has ended."""
        if report.skipped and _LACKS in str(report.longrepr):
            self.found.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """All have."""
        if not self.config.getoption("lacking") and not self.config.getoption("collectonly") and self.cache:
            self.cache.set(_KEPT, self.found)


def _listed(config: pytest.Config) -> list[str]:
    return config.cache.get(_KEPT, [])
