"""The figures of merit: still on exact samples, loud on wrong ones, and their floors true."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.exact import Law
from solvers_zoo.metrics.distances import (
    marginal_tv,
    mode_weight_error,
    relative_covariance_error,
    relative_mean_error,
    sliced_w1,
)
from solvers_zoo.metrics.report import error_report

F64 = torch.float64
RING = zoo.model("ring")
END = RING.sde.at(RING.sde.t_min)


def exact(model, n, seed=100, first=0):
    point = model.sde.at(model.sde.t_min)
    return model.draw(point, zoo.SeededNoise(seed, range(first, first + n), model.shape, F64).data())


def figures(x, seed=0, model=RING):
    return {figure.name: figure for figure in error_report(model, x, model.sde.at(model.sde.t_min), seed)}


@pytest.mark.parametrize("name", ["ring", "mixture-1d", "two-moons", "digits", "gaussian"])
def test_exact_samples_lie_on_the_floor(name):
    model = zoo.model(name)
    found = figures(exact(model, 600), model=model)
    expected = {"mean", "covariance", "sliced W1", "marginal TV"}
    assert set(found) == (expected | {"mode weights"} if name in ("ring", "mixture-1d") else expected)
    for figure in found.values():
        assert figure.z < 3.5
        assert 0 < figure.value < 3 * figure.floor


def test_z_is_calibrated():
    """Over 30 exact sets the z-scores have mean 0 and standard deviation 1, within 4 of their own standard errors."""
    sets = [error_report(RING, exact(RING, 150, first=1000 * i), END, seed=i) for i in range(30)]
    for column in zip(*sets, strict=True):
        z = torch.tensor([figure.z for figure in column])
        assert abs(z.mean()) < 4 / math.sqrt(30), column[0].name
        assert 0.55 < z.std() < 1.5, column[0].name


@pytest.mark.parametrize(
    ("spoil", "loud"),
    [
        (lambda x: x + torch.tensor([0.15, 0.0]), {"mean", "sliced W1", "marginal TV"}),
        (lambda x: x * 1.05, {"covariance", "marginal TV"}),
        (lambda x: torch.where(x[:, :1] > 1.5, -x, x), {"mean", "mode weights", "sliced W1", "marginal TV"}),
        (lambda x: x.roll(1, 0) * 0.1 + x * 0.9, {"covariance", "sliced W1"}),
    ],
    ids=["shifted", "stretched", "mode moved", "blurred"],
)
def test_wrong_samples_are_loud(spoil, loud):
    found = figures(spoil(exact(RING, 5000)))
    assert {name for name in loud if found[name].z < 4} == set()


@pytest.mark.slow
def test_scaled_floors_are_those_of_full_size():
    """At n = 8000 the floors come from smaller sets; draw full ones and compare."""
    n, mean, cov = 8000, *RING.moments(END)
    found = figures(exact(RING, n))
    sets = exact(RING, 25 * n, seed=5).view(25, n, 2)
    full = {
        "mean": relative_mean_error(sets, mean, cov),
        "covariance": relative_covariance_error(sets, cov),
        "sliced W1": sliced_w1(sets, sets.roll(1, 0)),
        "mode weights": mode_weight_error(RING.responsibilities(sets.view(-1, 2), END).view(25, n, -1), RING.weights),
        "marginal TV": torch.stack([_marginal(x[:, 0], cov) for x in sets]),
    }
    for name, values in full.items():
        assert float(values.mean()) == pytest.approx(found[name].floor, abs=4 * float(values.std()) / math.sqrt(25)), (
            name
        )


def _marginal(x, cov):
    std = float(cov[0, 0].sqrt())
    law = Law.of(RING, END, torch.tensor([1.0, 0.0], dtype=F64))
    return marginal_tv(x, law, low=-4 * std, high=4 * std, bandwidth=std / 6 * (4 / (3 * len(x))) ** 0.2)


def test_formulas_by_hand():
    x = torch.tensor([[1.0], [2.0], [6.0]], dtype=F64)
    assert relative_mean_error(x, torch.tensor([2.0], dtype=F64), torch.eye(1, dtype=F64)) == pytest.approx(0.5)
    assert relative_mean_error(x, torch.tensor([0.0], dtype=F64), 4 * torch.eye(1, dtype=F64)) == pytest.approx(1.5)
    assert relative_covariance_error(x, torch.full((1, 1), 2.0, dtype=F64)) == pytest.approx((7 - 2) / 2)
    assert sliced_w1(x, x + 0.25) == pytest.approx(0.25)
    plane = torch.zeros(4, 2, dtype=F64)  # mean of |cos| over the half turn is 2 / pi
    assert sliced_w1(plane, plane + torch.tensor([1.0, 0.0])) == pytest.approx(2 / math.pi, rel=1e-3)
    assert mode_weight_error(torch.eye(2), torch.tensor([0.7, 0.3])) == pytest.approx(0.2)


def test_marginal_tv_is_the_kernel_estimate():
    """Against the estimate summed point by point, without cells."""
    law = Law.of(zoo.model("mixture-1d"), zoo.OU().at(1e-5))
    x = exact(zoo.model("mixture-1d"), 3000)[:, 0]
    h = (4 / 9000) ** 0.2 / 2
    grid = torch.linspace(-10, 10, 4001, dtype=F64)
    estimate = (-(((grid[:, None] - x) / h) ** 2) / 2).exp().mean(1) / (h * math.sqrt(2 * math.pi))
    true = torch.from_numpy(law.log_pdf(grid.numpy())).exp()
    by_hand = float((estimate - true).abs().sum() * 20 / 4000 / 2)
    assert float(marginal_tv(x, law)) == pytest.approx(by_hand, rel=0.02)  # counting by cell moves every point a little


def test_report_of_clean_data_and_of_point_masses():
    model = zoo.model("bimodal-points")
    x = model.means[(torch.arange(500) % 5 > 0).long()]
    found = {figure.name: figure for figure in error_report(model, x)}
    assert found["mode weights"].value == pytest.approx(0.0, abs=1e-12)
    assert found["mean"].value == pytest.approx(0.0, abs=1e-12)


def test_reports_repeat_and_leave_global_random_numbers_alone():
    x = exact(RING, 50)
    state = torch.get_rng_state()
    assert error_report(RING, x, END, seed=4) == error_report(RING, x, END, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
