"""Exact likelihoods by the flow and its divergence as one system."""

from __future__ import annotations

import math

import pytest
import torch

from solvers_zoo.studies import likelihood
from solvers_zoo.studies.likelihood import SOLVER, Likelihood


@pytest.fixture(scope="module")
def findings():
    return Likelihood().run(quick=True)


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 6


def test_the_divergence_is_the_trace_of_the_jacobian():
    model = likelihood.problem("mixture-5(dim=4)")
    point = model.sde.at(0.4)
    x = torch.tensor([[0.3, -1.0, 2.0, 0.5], [-2.0, 0.1, 0.4, 1.0]], dtype=torch.float64)
    state = torch.cat((x, torch.zeros(2, 1, dtype=torch.float64)), 1)
    slope = likelihood.augmented(model).predict(state, point)
    for i in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda y: model(y[None], point).flow[0], x[i])
        assert float(slope[i, 4]) == pytest.approx(float(jacobian.trace()), rel=1e-10)
    assert torch.allclose(slope[:, :4], model(x, point).flow, rtol=1e-14)


def test_the_other_sign_would_be_seen(monkeypatch):
    exact, found = likelihood.bits("mixture-2d", SOLVER, 32, 4)
    assert float((exact - found).abs().max()) < 1e-3
    right = likelihood.augmented

    def turned(model, probes=None):
        flow = right(model, probes)
        inner = flow.fn
        signs = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
        flow.fn = lambda x, t: inner(x, t) * signs
        return flow

    monkeypatch.setattr(likelihood, "augmented", turned)
    exact, found = likelihood.bits("mixture-2d", SOLVER, 32, 4)
    assert float((exact - found).abs().max()) > 1.0


def test_bits_are_of_a_dimension():
    exact, _ = likelihood.bits("mixture-2d", SOLVER, 16, 2000)
    model = likelihood.problem("mixture-2d")
    x, _ = likelihood.flowed("mixture-2d", SOLVER, 16, 2000)
    mean = -float(model.log_density(x, model.sde.at(model.sde.t_min)).mean()) / (2 * math.log(2))
    assert float(exact.mean()) == pytest.approx(mean, rel=1e-12)


def test_chart(findings):
    assert "order" in findings.charts["order"]().to_dict()["title"]["text"]
