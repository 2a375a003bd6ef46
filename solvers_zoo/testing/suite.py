"""The kit as pytest tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from solvers_zoo import registry
from solvers_zoo.testing.kit import CHECKS, conform, solvers_in
from solvers_zoo.testing.report import Report


def conformance(*subjects: object, quick: bool = False, checks: Iterable[str] | None = None) -> Callable[..., None]:
    """A pytest test of every check on every one of ``subjects``.

    Args:
        subjects: names, specifications, solver classes, configured solvers, or paths of plugin files (``.py``).
        quick: fewer and shorter runs.
        checks: names of the checks; all by default.

    Returns:
        A parametrised test function. Bind it to a name that pytest collects: ``test_conformance = conformance("heun")``.

    """
    names = list(checks) if checks is not None else [check.name for check in CHECKS]
    cases = [
        pytest.param(subject, name, id=f"{label}-{name}") for label, subject in subjects_of(subjects) for name in names
    ]

    @pytest.mark.parametrize(("subject", "check"), cases)
    def test_conformance(subject: object, check: str) -> None:
        judge(conform(subject, quick=quick, checks=[check]))

    return test_conformance


def judge(report: Report) -> None:
    """Fail with what the failures say; skip where no setting of the solver has anything to measure."""
    if report.failures:
        pytest.fail("\n".join(f"{finding.solver}: {finding.message}" for finding in report.failures), pytrace=False)
    if all(finding.status != "pass" for finding in report):
        pytest.skip(report[0].message)


def subjects_of(named: Iterable[object]) -> list[tuple[str, object]]:
    """What to examine, with its label; a file stands for every solver in it, and names are looked up at once.

    Raises:
        UnknownNameError: a name that is not registered.
        PluginError: a file that registers no solver.

    """
    found: list[tuple[str, object]] = []
    for subject in named:
        if isinstance(subject, Path) or (isinstance(subject, str) and subject.endswith(".py")):
            found += [(cls.spec_name(), cls) for cls in solvers_in(subject)]
        elif isinstance(subject, type):
            found.append((subject.spec_name(), subject))  # type: ignore[attr-defined]
        else:
            registry.default().make("solver", subject)
            found.append((str(subject), subject))
    return found
