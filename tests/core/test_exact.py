"""The exact maps against each other: three ways to the same flow, none of them a solver of the zoo."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.exact import Law, gaussian_flow, is_monotone, reference_flow, transport, transport_distance

F64 = torch.float64
#: Processes with their whole range, alpha = 0 among them.
SDES = [zoo.OU(), zoo.EDM(), zoo.sde("vp"), zoo.sde("rectified-flow"), zoo.sde("ve")]


def ends(sde):
    return sde.at(sde.t_max), sde.at(sde.t_min)


def starts(model, point, n=8):
    return model.draw(point, zoo.SeededNoise(1, range(n), model.shape, F64).data())


def worst(a, b):
    return float((a - b).abs().max() / b.abs().max().clamp(min=1))


@pytest.mark.parametrize("sde", SDES, ids=str)
@pytest.mark.parametrize("cov", [0.3, [0.3, 2.0], [[0.3, 0.12], [0.12, 0.2]]], ids=["scalar", "diagonal", "full"])
def test_reference_flow_agrees_with_the_closed_form(sde, cov):
    model = zoo.Gaussian([1.3, -0.7], cov, sde)
    top, end = ends(sde)
    x = starts(model, top)
    assert worst(reference_flow(model, x, top, end), gaussian_flow(model, x, top, end)) < 2e-12


@pytest.mark.parametrize("sde", SDES, ids=str)
def test_reference_flow_agrees_with_transport(sde):
    model = zoo.Mixture([0.3, 0.3, 0.4], [[-1.2], [0.3], [1.5]], [0.16, 0.1, 0.25], sde)
    top, end = ends(sde)
    x = starts(model, top)
    assert worst(reference_flow(model, x, top, end), transport(model, x, top, end)) < 2e-11


@pytest.mark.parametrize("sde", SDES, ids=str)
def test_maps_go_there_and_back_and_in_two_legs(sde):
    (top, end), middle = ends(sde), sde.at((sde.t_min + sde.t_max) / 2)
    line = zoo.Mixture([0.3, 0.7], [[-1.2], [0.9]], [0.16, 0.3], sde)
    plane = zoo.Gaussian([1.3, -0.7], [[0.3, 0.12], [0.12, 0.2]], sde)
    for model, move in ((line, transport), (plane, gaussian_flow)):
        x = starts(model, end)
        away = move(model, x, end, top)
        assert worst(move(model, away, top, end), x) < 1e-10
        assert worst(move(model, move(model, x, end, middle), middle, top), away) < 1e-11


def test_transport_of_a_gaussian_is_its_flow_to_far_tails():
    model = zoo.Gaussian([1.3], 0.3, zoo.OU())
    top, end = ends(model.sde)
    x = torch.tensor([[-35.0], [-8.0], [0.0], [1e-3], [8.0], [35.0]], dtype=F64)
    assert worst(transport(model, x, top, end), gaussian_flow(model, x, top, end)) < 1e-13


def test_transport_between_narrow_modes_in_high_precision():
    """F_s(y) = F_t(x) in 50 digits, at points of both sides and in a gap."""
    model = zoo.Mixture([0.1, 0.4, 0.5], [[-6.0], [4.0], [6.0]], 0.25, zoo.OU())
    top, end = ends(model.sde)
    x = torch.tensor([[-4.0], [-1.5], [-0.5], [0.2], [2.5], [5.0]], dtype=F64)
    y = transport(model, x, top, end)

    def cdf(value, point):
        with mpmath.workdps(50):
            s = mpmath.sqrt(mpmath.mpf(point.alpha) ** 2 / 4 + mpmath.mpf(point.sigma) ** 2)
            parts = zip((0.1, 0.4, 0.5), (-6, 4, 6), strict=True)
            return sum(w * mpmath.ncdf((mpmath.mpf(value) - mpmath.mpf(point.alpha) * m) / s) for w, m in parts)

    for a, b in zip(x.flatten().tolist(), y.flatten().tolist(), strict=True):
        slope = mpmath.diff(lambda v: cdf(v, end), b)
        assert abs((cdf(a, top) - cdf(b, end)) / slope) < 1e-12 * max(1, abs(b))


def test_quantiles_keep_their_digits_in_both_tails():
    law = Law(np.array([0.25, 0.75]), np.array([-3.0, 2.0]), np.array([0.5, 1.5]))
    x = np.array([-70.0, -9.0, -3.0, 0.0, 4.0, 30.0])
    back = law.quantile(law.log_cdf(x), law.log_sf(x))
    assert np.abs(back - x).max() < 1e-13 * 70
    assert law.log_cdf(np.array([-70.0]))[0] < -750  # where the distribution function itself is 0 in double precision
    assert np.allclose(law.mass(np.array([-np.inf, -3.0, 0.0, np.inf])).sum(), 1.0, atol=1e-15)


def test_law_of_a_projection():
    covs = [[[0.3, 0.12], [0.12, 0.2]], [[0.1, 0.0], [0.0, 0.4]]]
    model = zoo.Mixture([0.4, 0.6], [[-1.0, 0.5], [1.0, 0.0]], covs, zoo.OU())
    point, direction = model.sde.at(0.4), torch.tensor([0.6, 0.8], dtype=F64)
    law = Law.of(model, point, direction)
    along = [float(direction @ torch.tensor(c, dtype=F64) @ direction) for c in covs]
    assert np.allclose(law.stds**2, point.alpha**2 * np.array(along) + point.sigma**2)
    x = starts(model, point, 20_000) @ direction
    gap = np.abs(np.exp(law.log_cdf(np.sort(x.numpy()))) - (np.arange(20_000) + 0.5) / 20_000).max()
    assert gap < 1.63 / math.sqrt(20_000)  # Kolmogorov-Smirnov, 1 %


def test_exact_map_has_no_distance():
    model = zoo.model("mixture-1d")
    top, end = ends(model.sde)
    found = transport_distance(model, lambda x: transport(model, x, top, end), top, end, cells=2000)
    assert found.monotone
    assert abs(found.tv) < 1e-10
    assert abs(found.kl) < 1e-10
    # from N(0, 1) the mixture's own start is missed by a TV between N(0, 1) and p_T
    found = transport_distance(model, lambda x: transport(model, x, top, end), top, end, prior_std=1.0)
    assert 4e-4 < found.tv < 7e-4


@pytest.mark.parametrize("a", [0.8, 1.3])
def test_distance_of_a_wrong_scale_is_the_textbook_one(a):
    model = zoo.Gaussian([0.0], 1.0, zoo.OU())  # N(0, 1) at every time
    top, end = ends(model.sde)
    found = transport_distance(model, lambda x: a * x, top, end)
    # densities of N(0, a^2) and N(0, 1) cross at +- c
    c = math.sqrt(2 * math.log(a) / (1 - a**-2))
    phi = lambda v: math.erfc(-v / math.sqrt(2)) / 2  # noqa: E731
    assert found.tv == pytest.approx(2 * abs(phi(c) - phi(c / a)), abs=2e-6)
    assert found.kl == pytest.approx((a * a - 1) / 2 - math.log(a), rel=2e-3)


def test_folded_maps_are_counted_not_scored():
    model = zoo.Gaussian([0.0], 1.0, zoo.OU())
    top, end = ends(model.sde)
    found = transport_distance(model, lambda x: x.abs(), top, end, cells=100)
    assert not found.monotone
    assert found.folds == 49
    assert math.isnan(found.tv)
    assert math.isnan(found.kl)
    x = torch.tensor([[1.0], [-1.0], [0.5]])
    assert is_monotone(x, 3 * x)
    assert not is_monotone(x, -x)
    assert not is_monotone(x, 0 * x)


def test_dtype_and_shape_are_kept():
    model = zoo.Gaussian(torch.zeros(1, 2, 2), 0.5, zoo.EDM())
    top, end = ends(model.sde)
    x = torch.ones(3, 1, 2, 2)
    for move in (gaussian_flow, reference_flow):
        y = move(model, x, top, end)
        assert (y.dtype, y.shape) == (x.dtype, x.shape)


def test_what_a_map_is_not_for_is_refused():
    sde = zoo.OU()
    points = ends(sde)
    with pytest.raises(zoo.IncompatibleError, match="reference_flow"):
        gaussian_flow(zoo.model("mixture-1d"), torch.ones(1, 1), *points)
    with pytest.raises(zoo.IncompatibleError, match="one dimension"):
        transport(zoo.Gaussian([0.0, 0.0], 1.0, sde), torch.ones(1, 2), *points)
    with pytest.raises(zoo.IncompatibleError, match="distribution function"):
        transport(zoo.FunctionModel(lambda x, t: x, sde), torch.ones(1, 1), *points)
