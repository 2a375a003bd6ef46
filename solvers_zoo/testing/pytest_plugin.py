"""The kit as a pytest plugin: ``pytest --zoo-solver my-solver`` runs every check on a solver, without a test module.

The option repeats, and takes a name, a specification or a plugin file. Nothing heavy is imported until it is given.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--zoo-solver`` and ``--zoo-quick``."""
    group = parser.getgroup("solvers_zoo", "conformance of samplers (solvers_zoo)")
    group.addoption(
        "--zoo-solver",
        action="append",
        default=[],
        metavar="NAME",
        help="also run the conformance kit on this solver: a name, a specification or a plugin file; repeatable",
    )
    group.addoption("--zoo-quick", action="store_true", help="with --zoo-solver: fewer and shorter runs")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add one item for every check on every solver that was named."""
    named = config.getoption("--zoo-solver")
    if not named:
        return
    from solvers_zoo.errors import ZooError
    from solvers_zoo.testing.kit import CHECKS
    from solvers_zoo.testing.suite import subjects_of

    try:
        subjects = subjects_of(named)
    except ZooError as error:
        raise pytest.UsageError(f"--zoo-solver: {error}") from error
    quick = config.getoption("--zoo-quick")
    items.extend(
        ConformanceItem.from_parent(
            session, name=f"{label}[{check.name}]", subject=subject, check=check.name, quick=quick
        )
        for label, subject in subjects
        for check in CHECKS
    )


class ConformanceItem(pytest.Item):
    """One check on one solver."""

    def __init__(self, *, subject: object, check: str, quick: bool, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.subject, self.check, self.quick = subject, check, quick

    def runtest(self) -> None:
        """Run the check."""
        from solvers_zoo.testing.kit import conform
        from solvers_zoo.testing.suite import judge

        judge(conform(self.subject, quick=self.quick, checks=[self.check]))

    def reportinfo(self) -> tuple[str, None, str]:
        """Where it is said to stand."""
        return "zoo", None, self.name
