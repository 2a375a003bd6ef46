"""Exact likelihoods by the flow and its divergence as one system."""

from __future__ import annotations

import math

import pytest
import torch
from zoo_lectures.bounds import likelihood
from zoo_lectures.bounds.likelihood import SOLVER, Likelihood

from solvers_zoo.likelihood.flow import Augmented


@pytest.fixture(scope="module")
def findings():
    return Likelihood().run(quick=True)


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 6


def test_the_other_sign_would_be_seen(monkeypatch):
    exact, found = likelihood.bits("mixture-2d", SOLVER, 32, 4)
    assert float((exact - found).abs().max()) < 1e-3
    right = Augmented.predict

    def turned(self, x, point, **condition):
        return right(self, x, point, **condition) * torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)

    monkeypatch.setattr(Augmented, "predict", turned)
    exact, found = likelihood.bits("mixture-2d", SOLVER, 32, 4)
    assert float((exact - found).abs().max()) > 1.0


def test_bits_are_of_a_dimension():
    exact, _ = likelihood.bits("mixture-2d", SOLVER, 16, 2000)
    model = likelihood.problem("mixture-2d")
    x = likelihood.exact_samples(model, 2000)
    mean = -float(model.log_density(x, model.sde.at(model.sde.t_min)).mean()) / (2 * math.log(2))
    assert float(exact.mean()) == pytest.approx(mean, rel=1e-12)


def test_chart(findings):
    assert "order" in findings.charts["order"]().to_dict()["title"]["text"]
