"""KL of paths by Girsanov's theorem, against a skeleton of the paths that needs no theorem."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from zoo_lectures.bounds.girsanov import Girsanov
from zoo_lectures.bounds.kappa import rule, variance_at
from zoo_lectures.bounds.path_kl import path_kl, target

STUDY = Girsanov()


@pytest.fixture(scope="module")
def findings():
    return STUDY.run(quick=True)


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 11


def test_figures(findings):
    rows = {(row["target"], row["kappa"], row.get("error", 0.0)): row for row in findings.rows if row["d"] == 1}
    assert rows["N(0, 1/4)", 0.1, 0.0]["path_kl"] == pytest.approx(0.772420, abs=1e-6)
    assert rows["N(0, 1/4)", 0.1, 0.0]["marginal_kl"] == pytest.approx(5.39e-4, rel=2e-3)
    assert rows["three modes", 0.1, 0.0]["path_kl"] == pytest.approx(0.781097, abs=1e-6)
    added = rows["three modes", 0.1, 0.2]["path_kl"] - rows["three modes", 0.1, 0.0]["path_kl"]
    assert added == pytest.approx(0.2**2 * (8 - 1e-3), rel=1e-12)


def skeleton_kl(times, v, parts):
    """KL between the joint laws at ``parts`` times a step, of exact and numerical paths on N(0, v), from their transitions."""
    total = 0.0
    for t, s in pairwise(times):
        held = variance_at(t, v)
        for k in range(parts):
            now, then = t - (t - s) * k / parts, t - (t - s) * (k + 1) / parts
            h, before, after = now - then, variance_at(now, v), variance_at(then, v)
            gain = math.exp(-h) * after / before  # of the exact reverse transition, y -> N(gain y, left)
            left = after * (1 - math.exp(-2 * h) * after / before)
            blur = math.expm1(2 * h)  # of the numerical one, y -> N(e^h y - 2 (e^h - 1) y_held / v_held, blur)
            a, b = gain - math.exp(h), 2 * math.expm1(h) / held
            joint = math.exp(-(t - now)) * before  # covariance of y and y_held
            gap = a * a * before + 2 * a * b * joint + b * b * held
            total += (left / blur - 1 - math.log(left / blur) + gap / blur) / 2
    return total


def test_skeletons_of_the_paths_rise_to_it():
    """No theorem in it: a joint KL of Gaussians at ever more times has the KL of the paths for its limit."""
    model = target("N(0, 1/4)", 8.0, 1e-3)
    grid = rule(model.sde, 0.4)
    limit = path_kl(model, grid)
    found = [skeleton_kl(grid.times, 0.25, parts) for parts in (1, 4, 16, 64, 256)]
    assert found == sorted(found)
    assert found[-1] < limit
    assert 2 * found[-1] - skeleton_kl(grid.times, 0.25, 128) == pytest.approx(limit, rel=1e-4)


def test_half_the_drift_would_be_seen(findings):
    wrong = [{**row, "path_kl": row["path_kl"] / 2} for row in findings.rows]
    failed = {check.name for check in STUDY.checks(wrong) if not check.holds}
    assert {"closed form", "z of samples"} <= failed


@pytest.mark.parametrize("name", ["kappa", "dimension"])
def test_charts(findings, name):
    spec = findings.charts[name]().to_dict()
    assert "KL" in str(spec["title"]) or "bound" in str(spec["title"])
