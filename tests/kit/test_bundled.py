"""Registered solvers pass the whole kit, a third of them a day with their defaults, and some, others every day, with every option moved off them.

``zoo check --all`` does the latter for all of them.
"""

from __future__ import annotations

import pytest
from rotation import EXAMINED, TODAY

import solvers_zoo as zoo
from solvers_zoo.testing import conform


@pytest.mark.parametrize("name", EXAMINED)
def test_every_claim_of_a_solver_holds(name):
    report = conform(name if name in TODAY else zoo.solver(name), quick=True)
    assert report.ok, "\n".join(str(finding) for finding in report.failures)
    assert sum(finding.status == "pass" for finding in report) >= 15
