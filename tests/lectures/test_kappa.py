"""The step-size rule of Chen and Benton on Gaussian targets, by exact variances and without sampling."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from zoo_lectures.bounds import kappa
from zoo_lectures.bounds.kappa import FIGURES, GRIDS, STEPS, KappaRule
from zoo_lectures.bounds.laws import Normal
from zoo_lectures.bounds.numbers import KAPPAS, VARIANCES

import solvers_zoo as zoo


@pytest.fixture(scope="module")
def findings():
    return KappaRule().run()


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 10


def test_the_formula_of_the_steps():
    formula = [math.ceil(7 / k) + math.ceil(math.log(1000) / math.log1p(k)) for k in KAPPAS]
    assert tuple(formula) == STEPS
    assert [len(kappa.grid_times("kappa", k)) - 1 for k in KAPPAS] == formula


def test_the_bound():
    bounds = [k**2 * steps + k * 8 + math.exp(-16) for k, steps in zip(KAPPAS, STEPS, strict=True)]
    assert bounds == pytest.approx([9.44, 4.52, 2.23, 1.105, 0.55], abs=1e-5)


@pytest.mark.parametrize("target", FIGURES)
def test_as_many_steps_do_as_well_without_kappa(target, findings):
    sde, s2 = kappa.process(), VARIANCES[target]
    for k, steps in zip(KAPPAS, STEPS, strict=True):
        rule = zoo.grid("kappa")
        assert rule.kappa_of(sde, steps) <= k * (1 + 1e-12)
        true = Normal(0.0, kappa.variance_at(sde.t_min, s2))
        (given,) = (row["kl"] for row in findings.rows if (row["s2"], row["kappa"], row["grid"]) == (s2, k, "kappa"))
        found = true.kl(Normal(0.0, kappa.final_variance(rule.make_grid(sde, steps).times, s2)))
        assert found <= given * 1.02


def test_equal_steps_break_the_rule():
    assert kappa.excess(kappa.grid_times("uniform", 0.1), 0.1) > 500


def test_another_recursion_would_be_seen(monkeypatch):
    """With the drift of the flow, one score for two, it is another variance."""

    def broken(times, s2):
        variance = 1.0
        for t, s in pairwise(times):
            h = t - s
            variance = (math.exp(h) - math.expm1(h) / kappa.variance_at(t, s2)) ** 2 * variance + math.expm1(2 * h)
        return variance

    monkeypatch.setattr(kappa, "final_variance", broken)
    monkeypatch.setattr(kappa, "GRIDS", ("kappa", "uniform"))
    failed = {check.name for check in KappaRule().run().checks if not check.holds}
    assert failed == {"recursion"}


def test_charts(findings):
    assert set(findings.charts) == {"kl", "steps"}
    spec = findings.charts["steps"]().to_dict()
    assert {row["grid"] for row in spec["datasets"][spec["data"]["name"]]} == set(GRIDS)
    findings.charts["kl"]().to_dict()
