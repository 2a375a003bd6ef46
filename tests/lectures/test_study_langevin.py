"""Langevin dynamics cannot weigh far modes; annealing mends it; the probability flow is exact."""

from __future__ import annotations

import math

import pytest
import torch
from zoo_lectures.ncsn import far_modes as langevin
from zoo_lectures.ncsn.far_modes import ANNEALED, FLOW, PLAIN, PRIOR, LangevinFails, Run

STUDY = LangevinFails()


@pytest.fixture(scope="module")
def findings():
    return STUDY.run(quick=True)


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 10


def test_the_prior_share_is_predicted():
    assert langevin.prior_share(80.0) == pytest.approx(0.2146, abs=1e-4)
    assert langevin.prior_share(1e6) == pytest.approx(0.2, abs=1e-5)


def test_measures():
    x = torch.tensor([[-5.0, -4.0], [-5.0, -6.0], [5.0, 5.0], [5.0, 7.0], [6.0, 6.0]])
    row = langevin.measured("by hand", Run(x, 7))
    assert (row["weight"], row["n"], row["nfe"]) == (0.4, 5, 7)
    assert row["standard_error"] == pytest.approx(math.sqrt(0.4 * 0.6 / 5))
    assert row["mode_variance"] == pytest.approx(0.4 * (0 + 2) / 2 + 0.6 * (1 / 3 + 1) / 2)


def test_a_sampler_that_does_not_mix_would_be_seen(findings):
    rows = {row["sampler"]: row for row in findings.rows}
    turned = {ANNEALED: PLAIN, PLAIN: ANNEALED, FLOW: PRIOR, PRIOR: FLOW}
    swapped = [row | {"sampler": turned.get(name, name), "stays": 0.5} for name, row in rows.items()]
    failed = {check.name for check in STUDY.checks(swapped) if not check.holds}
    assert {"Langevin", "Langevin stays", "annealed", "flow", "flow, prior"} <= failed


def test_charts(findings):
    assert set(findings.charts) == {"samples", "weights"}
    (points,) = findings.charts["samples"]().to_dict()["datasets"].values()
    assert len(points) == 4 * langevin.SHOWN
    findings.charts["weights"]().to_dict()
