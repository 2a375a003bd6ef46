"""Every registered solver passes the whole kit."""

from __future__ import annotations

import pytest

import solvers_zoo as zoo
from solvers_zoo.testing import conform


@pytest.mark.parametrize("name", [card.name for card in zoo.solvers()])
def test_every_claim_of_a_solver_holds(name):
    report = conform(name, quick=True)
    assert report.ok, "\n".join(str(finding) for finding in report.failures)
    assert sum(finding.status == "pass" for finding in report) >= 15
