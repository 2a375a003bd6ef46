"""Whether what a solver claims of itself is true: the conformance kit, which measures every claim.

    from solvers_zoo.testing import conform, conformance

    report = conform("my-solver")                   # a list of findings; report.ok, report.failures, print(report)
    test_conformance = conformance("my-solver")     # in a test module: one pytest test for every check

`pytest --zoo-solver my-solver` runs the same tests without a module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.public import lazily

if TYPE_CHECKING:
    from solvers_zoo.testing.kit import CHECKS as CHECKS
    from solvers_zoo.testing.kit import conform as conform
    from solvers_zoo.testing.kit import solvers_in as solvers_in
    from solvers_zoo.testing.probe import ProbeNoise as ProbeNoise
    from solvers_zoo.testing.report import Finding as Finding
    from solvers_zoo.testing.report import Report as Report
    from solvers_zoo.testing.suite import conformance as conformance

_HOME_OF = dict.fromkeys(("CHECKS", "conform", "solvers_in"), "kit")
_HOME_OF |= {"Finding": "report", "ProbeNoise": "probe", "Report": "report", "conformance": "suite"}

__all__ = ["CHECKS", "Finding", "ProbeNoise", "Report", "conform", "conformance", "solvers_in"]


__getattr__ = lazily(__name__, _HOME_OF)  # the pytest plugin lives here too and must not load torch
