"""The conformance kit: every claim that a solver makes of itself, measured.

    from solvers_zoo.testing import conform, conformance

    report = conform("my-solver")                   # a list of findings; report.ok, report.failures, print(report)
    test_conformance = conformance("my-solver")     # in a test module: one pytest test for every check

`pytest --zoo-solver my-solver` runs the same tests without a module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvers_zoo.testing.kit import CHECKS as CHECKS
    from solvers_zoo.testing.kit import conform as conform
    from solvers_zoo.testing.kit import solvers_in as solvers_in
    from solvers_zoo.testing.report import Finding as Finding
    from solvers_zoo.testing.report import Report as Report
    from solvers_zoo.testing.suite import conformance as conformance

_HOMES = {
    "CHECKS": "kit", "conform": "kit", "solvers_in": "kit", "Finding": "report", "Report": "report", "conformance": "suite",
}  # fmt: skip

__all__ = ["CHECKS", "Finding", "Report", "conform", "conformance", "solvers_in"]


def __getattr__(name: str) -> Any:  # the pytest plugin lives here too and must not load torch
    if name not in _HOMES:
        raise AttributeError(f"module 'solvers_zoo.testing' has no attribute {name!r}")
    return getattr(import_module(f"solvers_zoo.testing.{_HOMES[name]}"), name)
