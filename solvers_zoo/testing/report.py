"""What the kit says: findings, and the report that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["pass", "fail", "refused", "not-applicable"]


class Broken(AssertionError):
    """A claim that does not hold; the message is one sentence with the measured figures."""


class NotApplicable(Exception):
    """A check that has nothing to measure on this solver, and why."""


class Refused(Exception):
    """The solver declines the problem of a check; the message is its reason."""


@dataclass(frozen=True)
class Finding:
    """What one check found on one solver.

    Attributes:
        check: name of the check.
        solver: the solver's specification.
        status: ``pass``, ``fail``, ``refused`` (the solver declines the problem, with a reason) or ``not-applicable``.
        message: one sentence with the measured figures, or the reason.
        seconds: wall time.
        value: the figure that the check measured, where it is one, such as an order.

    """

    check: str
    solver: str
    status: Status
    message: str
    seconds: float
    value: float | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.status != "fail"

    def __str__(self) -> str:
        mark = {"pass": "ok  ", "fail": "FAIL", "refused": "--  ", "not-applicable": "--  "}[self.status]
        return f"{mark} {self.check:<22} {self.solver}: {self.message}"


class Report(list[Finding]):
    """All findings on one solver, in the order in which the checks ran."""

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> list[Finding]:
        """The findings that failed."""
        return [finding for finding in self if finding.status == "fail"]

    @property
    def seconds(self) -> float:
        """Wall time of all checks."""
        return sum(finding.seconds for finding in self)

    def __str__(self) -> str:
        return "\n".join(map(str, self))
