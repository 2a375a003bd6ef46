"""Every misprint fails, and its correction holds."""

from __future__ import annotations

import pytest
from zoo_lectures.errata import misprints
from zoo_lectures.errata.misprints import ERRATA
from zoo_lectures.errata.study import Errata


@pytest.fixture(scope="module")
def findings():
    return Errata().run()


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 2 * len(ERRATA) == 14


def test_figures(findings):
    values = {row["erratum"]: (row["right_value"], row["printed_value"]) for row in findings.rows}
    right, printed = values["delta/d"]
    assert (right, printed) == pytest.approx((1.0, (8 / 128) ** 0.5))
    right, printed = values["bound without T/2"]
    assert printed / right == pytest.approx((8 - 1e-3) / 2)  # T/2
    right, printed = values["sign"]
    assert printed == pytest.approx(-right)


def test_a_right_formula_taken_for_the_printed_one_would_be_seen(monkeypatch, findings):
    values = {row["erratum"]: (row["right_value"], row["printed_value"]) for row in findings.rows}
    turned = [one._replace(measure=lambda printed, pair=values[one.name]: pair[not printed]) for one in ERRATA]
    monkeypatch.setattr(misprints, "ERRATA", turned)
    assert not any(check.holds for check in Errata().run().checks)


def test_chart(findings):
    text = str(findings.charts["misses"]().to_dict())
    assert "g²/2" in text
