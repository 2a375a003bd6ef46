"""Encoding, decoding, and ways between samples through their codes."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.metrics.base import Clean


class Shifted(zoo.ModelWrapper):
    """A Gaussian whose mean is its label; it would draw labels of its own if nobody stopped it."""

    def predict(self, x, point, label=0.0, **condition):
        shift = label.to(x).view(-1, 1) if isinstance(label, torch.Tensor) else label
        return self.model.predict(x - point.alpha * shift, point) + shift

    def default_condition(self, seed, samples):
        return {"label": torch.arange(len(samples)) + 3.0}


@pytest.mark.parametrize(("solver", "order"), [("ddim", 1), ("heun", 3), ("dpm-solver-3", 3), ("rk4", 5)])
def test_the_error_of_a_round_trip_falls_at_the_order(solver, order):
    # one more where the leading errors there and back cancel: those of a symmetric pair of steps of even order
    model = zoo.model("mixture-1d", sde=zoo.VE(sigma_min=0.1, sigma_max=10.0))
    x = model.draw(model.sde.at(0.1), zoo.SeededNoise(0, range(64), (1,), torch.float64).data())
    errors = []
    for steps in (40, 80):
        code = zoo.encode(model, x, solver, steps=steps).x
        errors.append(float((zoo.sample(model, solver, steps=steps, x=code).x - x).abs().mean()))
    assert order - 0.35 < math.log2(errors[0] / errors[1]) < order + 0.8


def test_on_one_gaussian_the_way_is_the_arc_between_the_samples():
    # codes are multiples of the samples, so the ways are slerps
    model = zoo.Gaussian([0.0, 0.0, 0.0], 0.5, zoo.EDM())
    x = model.draw(Clean(), zoo.SeededNoise(0, range(6), (3,), torch.float64).data())
    way = zoo.interpolate(model, x[:3], x[3:], "rk4", weights=[0.25, 0.5], steps=40)
    assert way.weights == [0.0, 0.25, 0.5, 1.0]
    assert way.x.shape == (4, 3, 3)
    for w, at in zip(way.weights, way.x, strict=True):
        assert torch.allclose(at, zoo.slerp(x[:3], x[3:], w), rtol=1e-5)
    ratio = way.codes[0] / x[:3]
    assert torch.allclose(ratio, ratio[0, 0].expand(3, 3), rtol=1e-12)
    assert way.nfe == 160


def test_ends_come_back_as_far_as_the_solver_goes():
    model = zoo.model("ring")
    x = model.draw(model.sde.at(model.sde.t_min), zoo.SeededNoise(0, range(8), (2,), torch.float64).data())
    rough, fine = (zoo.interpolate(model, x[:4], x[4:], weights=3, steps=steps) for steps in (20, 80))
    assert rough.weights == [0.0, 0.5, 1.0]
    assert torch.equal(
        fine.round_trip, torch.maximum((fine.x[0] - x[:4]).abs().amax(1), (fine.x[2] - x[4:]).abs().amax(1))
    )
    assert float(fine.round_trip.max()) < 0.02
    assert float(fine.round_trip.mean()) < float(rough.round_trip.mean()) / 4


def test_conditions_go_both_ways_with_their_pairs():
    inner = zoo.Gaussian([0.0, 0.0], 0.5, zoo.EDM())
    model, labels = Shifted(inner), torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64)
    x = inner.draw(Clean(), zoo.SeededNoise(0, range(6), (2,), torch.float64).data())
    plain = zoo.interpolate(inner, x[:3], x[3:], "heun", steps=12)
    assert torch.equal(zoo.interpolate(model, x[:3], x[3:], "heun", steps=12).x, plain.x)
    moved = [part + labels[:, None] for part in (x[:3], x[3:])]
    way = zoo.interpolate(model, *moved, "heun", steps=12, condition={"label": labels})
    assert torch.allclose(way.round_trip, plain.round_trip, atol=1e-12)
    chunked = zoo.interpolate(model, *moved, "heun", steps=12, condition={"label": labels}, chunk=4)
    assert torch.equal(chunked.x, way.x)


@pytest.mark.parametrize(
    ("error", "words", "way"),
    [
        (zoo.OptionError, "one shape", {"x1": torch.zeros(2, 3)}),
        (zoo.OptionError, "weights = 1 ", {"weights": 1}),
        (zoo.OptionError, "weights = 'all'", {"weights": "all"}),
        (zoo.IncompatibleError, "stochastic", {"solver": "ddpm"}),
    ],
)
def test_what_is_impossible_is_refused(error, words, way):
    given = {"x0": torch.ones(2, 2), "x1": torch.ones(2, 2)} | way
    with pytest.raises(error, match=words):
        zoo.interpolate(zoo.model("ring"), **given)
