"""The likelihood bound of score matching holds for the reverse SDE, and not for the flow."""

from __future__ import annotations

import math

import pytest
from zoo_lectures.bounds import likelihood_weighting as study
from zoo_lectures.bounds.likelihood_weighting import NARROW, THREE, UNIT, LikelihoodWeighting


@pytest.fixture(scope="module")
def findings():
    return LikelihoodWeighting().run(quick=True)


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 10


def test_figures(findings):
    rows = {(row["target"], row["size"], row["T"]): row for row in findings.rows}
    row = rows[UNIT, 0.05, 8.0]
    assert row["sde"] / row["bound"] == pytest.approx(0.25, rel=5e-3)
    assert row["flow"] == pytest.approx(0.08, rel=1e-3)
    row = rows[NARROW, 0.2, 8.0]
    assert row["sde"] / row["bound"] == pytest.approx(0.144, rel=1e-2)


def test_the_bound_by_quadrature_is_the_closed_form():
    """With a constant error it is c^2 (T - tau); a linear one adds the variance and the mean's way."""
    model = study.target(UNIT, 8.0)
    assert study.bound(model, "constant", 0.3) == pytest.approx(0.09 * (8 - 1e-3), rel=1e-9)
    assert study.bound(model, "linear", 0.3) == pytest.approx(0.09 * (8 - 1e-3), rel=1e-9)
    narrow = study.target(NARROW, 8.0)
    squares = (8 - 1e-3) + 0.75 / 2 * (math.exp(-16) - math.exp(-2e-3))  # of 1 - 3/4 e^(-2t)
    assert study.bound(narrow, "linear", 0.3) == pytest.approx(0.09 * squares, rel=1e-6)


def test_every_form_of_error_on_the_mixture(findings):
    rows = [row for row in findings.rows if row["target"] == THREE]
    assert {row["form"] for row in rows} == {"constant", "linear", "sinusoidal"}
    for row in rows:
        assert row["sde"] < row["bound"] < row["flow"]


def test_half_the_bound_would_be_seen(findings):
    wrong = [{**row, "bound": row["bound"] / 2} for row in findings.rows]
    failed = {check.name for check in LikelihoodWeighting().checks(wrong) if not check.holds}
    assert "SDE under the bound" in failed


def test_charts(findings):
    for make in findings.charts.values():
        assert make().to_dict()["title"]["subtitle"]
