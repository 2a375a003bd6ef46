"""Conversions between parametrisations, at any alpha and sigma, alpha = 0 included."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
import torch
from bundled_sdes import SDES, ZERO
from hypothesis import given, settings
from hypothesis import strategies as st

import solvers_zoo as zoo
from solvers_zoo.processes.prediction import FORMS

KINDS = tuple(FORMS)
X0 = torch.tensor([[1.0, -2.0], [0.3, 5.0]], dtype=torch.float64)
EPS = torch.tensor([[0.5, 0.7], [-1.5, 0.1]], dtype=torch.float64)


def point_of(alpha, sigma, dalpha, dsigma):
    """A point of no process in particular; g^2 from its definition."""
    f = dalpha / alpha if alpha else -math.inf
    g2 = 2 * sigma * (dsigma - f * sigma)
    lam = math.log(alpha / sigma) if alpha else -math.inf
    return zoo.GaussianPoint(t=0.5, g2=g2, alpha=alpha, sigma=sigma, lam=lam, dalpha=dalpha, dsigma=dsigma)


def views(point):
    """Every parametrisation of the state made of X0 and EPS, from its definition."""
    return {
        "x0": X0,
        "eps": EPS,
        "score": -EPS / point.sigma,
        "v": point.alpha * EPS - point.sigma * X0,
        "flow": point.dalpha * X0 + point.dsigma * EPS,
    }


def state(point):
    return point.alpha * X0 + point.sigma * EPS


def prediction(kind, point):
    return zoo.GaussianPrediction(kind, state(point), views(point)[kind], point)


def conditioning(kind, point):
    """How much solving x and the output for x0 and eps can enlarge a rounding."""
    p, q = FORMS[kind](point)
    size = (abs(point.alpha) + abs(point.sigma)) * (abs(p) + abs(q))
    return size / abs(point.alpha * q - point.sigma * p)


scale = st.floats(1e-3, 1e3)
points = st.builds(point_of, scale, scale, st.floats(-20.0, 0.0), st.floats(1e-3, 20.0))


@settings(max_examples=60, deadline=None)
@given(point=points)
@pytest.mark.parametrize("kind", KINDS)
def test_every_view_of_every_output(kind, point):
    seen, true = prediction(kind, point), views(point)
    for name in KINDS:
        slack = 1e-13 * conditioning(kind, point) * max(1.0, *(abs(c) for c in FORMS[name](point)))
        spread = (state(point).abs().max() + true[kind].abs().max() + X0.abs().max() + EPS.abs().max()).item()
        spread *= max(1.0, 1 / point.sigma, 1 / point.alpha)
        assert torch.allclose(getattr(seen, name), true[name], rtol=1e-11, atol=slack * spread), name


@settings(max_examples=40, deadline=None)
@given(point=st.builds(point_of, st.floats(0.1, 1.0), st.floats(0.1, 1.0), st.floats(-5.0, -0.1), st.floats(0.1, 5.0)))
@pytest.mark.parametrize(("kind", "other"), list(permutations(KINDS, 2)))
def test_round_trips(kind, other, point):
    """There and back, for well-conditioned points to 1e-11."""
    there = getattr(prediction(kind, point), other)
    back = getattr(zoo.GaussianPrediction(other, state(point), there, point), kind)
    assert torch.allclose(back, views(point)[kind], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sde", SDES, ids=str)
def test_on_every_process(sde, kind):
    t = sde.t_min + 0.4137 * (sde.t_max - sde.t_min)
    point = sde.at(t)
    seen = sde.predict(kind, state(point), point, views(point)[kind])
    for name, true in views(point).items():
        atol = 1e-13 * conditioning(kind, point) * max(1.0, float(true.abs().max()))
        assert torch.allclose(getattr(seen, name), true, rtol=1e-9, atol=100 * atol), name
    # f x - (1 + level^2)/2 g^2 score
    for level in (0.0, 0.5, 1.0):
        drift = point.f * state(point) - (1 + level**2) / 2 * point.g2 * views(point)["score"]
        assert torch.allclose(seen.drift(level), drift, rtol=1e-8, atol=1e-8 * float(drift.abs().max()))
    assert torch.allclose(seen.flow, seen.drift(0.0), rtol=1e-12, atol=1e-12 * float(seen.flow.abs().max()))


@pytest.mark.parametrize("kind", KINDS)
def test_per_sample_points(kind):
    """A tensor of times gives each sample what its own float gives."""
    sde = zoo.VP()
    times = torch.tensor([0.2, 0.9], dtype=torch.float64)
    together = sde.at(times.unsqueeze(1))
    x, out = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)).double(), torch.ones(2, 3).double()
    seen = sde.predict(kind, x, together, out)
    for i, t in enumerate(times.tolist()):
        alone = sde.predict(kind, x[i : i + 1], sde.at(t), out[i : i + 1])
        for name in KINDS:
            assert torch.allclose(getattr(seen, name)[i], getattr(alone, name)[0], rtol=1e-12), name
        assert torch.allclose(seen.drift(1.0)[i], alone.drift(1.0)[0], rtol=1e-12)


@pytest.mark.parametrize("sde", ZERO, ids=str)
@pytest.mark.parametrize("kind", ["x0", "v", "flow"])
def test_pure_noise_is_read_by_what_says_something_of_the_data(sde, kind):
    point = sde.at(sde.t_max)
    seen = sde.predict(kind, state(point), point, views(point)[kind])
    assert torch.allclose(seen.x0, X0, rtol=1e-9)
    assert torch.allclose(seen.eps, EPS)
    assert torch.allclose(seen.flow, views(point)["flow"], rtol=1e-9)
    assert torch.allclose(seen.mix(0.3, 0.9), 0.3 * X0 + 0.9 * EPS, rtol=1e-9)
    assert torch.isfinite(seen.score).all()


@pytest.mark.parametrize("sde", ZERO, ids=str)
@pytest.mark.parametrize("kind", ["eps", "score"])
def test_pure_noise_is_not_read_by_what_says_nothing_of_it(sde, kind):
    point = sde.at(sde.t_max)
    seen = sde.predict(kind, state(point), point, views(point)[kind])
    for ask in (lambda: seen.x0, lambda: seen.flow, lambda: seen.v, lambda: seen.mix(0.5, 0.5)):
        with pytest.raises(zoo.DomainError, match="pure noise"):
            ask()


def test_a_view_is_computed_once_and_the_output_is_not_copied():
    point = zoo.VP().at(0.5)
    seen = prediction("eps", point)
    assert seen.x0 is seen.x0
    assert seen.eps is seen.out
    before = seen.out.clone(), seen.x.clone()
    seen.flow.add_(1.0)
    assert torch.equal(seen.out, before[0])
    assert torch.equal(seen.x, before[1])


def test_mix_is_the_ddim_step():
    t, s = zoo.VP().at(0.6), zoo.VP().at(0.4)
    assert torch.allclose(prediction("v", t).mix(s.alpha, s.sigma), s.alpha * X0 + s.sigma * EPS, rtol=1e-12)


# -- combine ------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    coefficients=st.lists(st.sampled_from([0.0, 1.0, -1.0, 0.3, 2.5, 0, 1]), min_size=1, max_size=5), data=st.randoms()
)
def test_combine(coefficients, data):
    terms = [
        (c, torch.tensor([data.uniform(-1, 1) for _ in range(6)], dtype=torch.float64).reshape(2, 3))
        for c in coefficients
    ]
    kept = [y.clone() for _, y in terms]
    out = zoo.combine(*terms)
    assert torch.allclose(out, sum(c * y for c, y in terms), rtol=1e-14, atol=1e-15)
    per_sample = zoo.combine(*((torch.full((2, 1), float(c), dtype=torch.float64), y) for c, y in terms))
    assert torch.allclose(per_sample, out, rtol=1e-14, atol=1e-15)
    out.add_(1.0)  # the result is the caller's own
    assert all(torch.equal(y, old) for (_, y), old in zip(terms, kept, strict=True))


def test_combine_keeps_the_dtype_of_the_state():
    y = torch.ones(2, 3)
    assert zoo.combine((0.1, y), (torch.full((2, 1), 0.2, dtype=torch.float64), y)).dtype is torch.float32
    assert zoo.combine((0.0, y)).dtype is torch.float32


def test_combine_leaves_out_what_has_no_weight():
    undefined = torch.full((2,), math.nan)
    assert torch.equal(zoo.combine((0.0, undefined), (2.0, torch.ones(2))), torch.full((2,), 2.0))
    assert torch.equal(zoo.combine((0.0, undefined)), torch.zeros(2))


def test_combine_makes_one_allocation_a_result():
    y = torch.ones(4)
    for terms in ([(2.0, y)], [(1.0, y)], [(1.0, y), (3.0, y)], [(2.0, y), (3.0, y)]):
        assert zoo.combine(*terms).data_ptr() != y.data_ptr()


def test_combine_can_be_differentiated():
    y, z = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    zoo.combine((2.0, y), (3.0, z), (4.0, y)).sum().backward()
    assert y.grad is not None
    assert z.grad is not None
    assert y.grad.tolist() == [6.0, 6.0]
    assert z.grad.tolist() == [3.0, 3.0]
