"""The variance-exploding toy of Tomczak's book: both loops to six digits, by the zoo's own solvers."""

from __future__ import annotations

import pytest
from zoo_lectures.errata import tomczak
from zoo_lectures.errata.numbers import ARRIVAL, EXPLICIT, FIGURES, FLOW, SOLVERS
from zoo_lectures.errata.tomczak import Tomczak


@pytest.fixture(scope="module")
def findings():
    return Tomczak().run()


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 18


@pytest.mark.parametrize(
    ("sd", "figures"), {0.5: (0.4178, 0.4570), 1.0: (0.7018, 0.7111), 0.1: (-0.2658, 0.1589)}.items()
)
def test_figures(sd, figures):
    assert [round(tomczak.path(sd, name)[-1], 4) for name in (ARRIVAL, EXPLICIT)] == list(figures)


def test_times_are_those_of_the_book():
    assert (tomczak.times()[0], tomczak.times()[-1], len(tomczak.times())) == (1.0, 1e-5, 20)
    assert tomczak.process().prior_std(1.0) == pytest.approx(1.004996, abs=1e-6)


def test_the_prior_is_too_narrow():
    for sd in FIGURES:
        assert tomczak.path(sd, FLOW)[-1] < tomczak.path(sd, FLOW, exact_start=True)[-1]


def test_the_score_at_another_time_would_be_seen(monkeypatch):
    monkeypatch.setitem(SOLVERS, ARRIVAL, SOLVERS[EXPLICIT])
    failed = {check.name for check in Tomczak().run().checks if not check.holds}
    assert {"loop from the exact law, 0.5", "last factor", "closed form"} <= failed


def test_charts(findings):
    assert set(findings.charts) == {"sd", "paths"}
    for make in findings.charts.values():
        assert make().to_dict()["title"]["subtitle"]
