"""Scalars that are floats or tensors, their corners, derivatives, and the phi functions against 50 digits."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers_zoo import numerics
from solvers_zoo.numerics import phi
from solvers_zoo.numerics import scalar as scalars
from solvers_zoo.numerics.derivative import derivative

ONE = ("absolute", "asinh", "atan", "cos", "exp", "expm1", "log", "log1p", "sin", "softplus", "sqrt")
CORNERS = (0.0, -0.0, 1.0, -1.0, 1e-300, 0.5, -0.95, 710.0, -800.0, math.inf, -math.inf, math.nan)


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or a == b or math.isclose(a, b, rel_tol=4e-15, abs_tol=1e-300)


@pytest.mark.parametrize("name", ONE)
class TestParity:
    @settings(max_examples=60, deadline=None)
    @given(x=st.floats(-50, 50))
    def test_floats_and_tensors_agree(self, name, x):
        function = getattr(numerics, name)
        assert same(function(x), function(torch.tensor(x, dtype=torch.float64)).item())

    @pytest.mark.parametrize("x", CORNERS)
    def test_they_agree_in_the_corners(self, name, x):
        function = getattr(numerics, name)
        value = function(x)
        assert type(value) is float
        assert same(value, function(torch.tensor(x, dtype=torch.float64)).item())

    def test_whole_numbers_are_scalars_too(self, name):
        assert same(getattr(numerics, name)(1), getattr(numerics, name)(1.0))

    def test_dtype_and_shape_are_kept(self, name):
        assert getattr(numerics, name)(torch.ones(2, 1)).dtype is torch.float32
        assert getattr(numerics, name)(torch.ones(2, 1)).shape == (2, 1)


def test_every_scalar_function_is_public_and_tried():
    assert set(scalars.__all__) == {*ONE, "divide", "maximum", "minimum", "where"}
    assert all(getattr(numerics, name) is getattr(scalars, name) for name in scalars.__all__)


def test_infinities_where_math_raises():
    assert numerics.log(0.0) == -math.inf
    assert numerics.log1p(-1.0) == -math.inf
    assert numerics.exp(1e4) == numerics.expm1(1e4) == math.inf
    assert math.isnan(numerics.sqrt(-1.0))
    assert math.isnan(numerics.log(-1.0))
    assert numerics.softplus(1e5) == 1e5
    assert numerics.softplus(-800.0) == 0.0


@pytest.mark.parametrize("a", [0.0, 2.0, -2.0, math.inf])
@pytest.mark.parametrize("b", [0.0, -0.0, 3.0, math.inf])
def test_divide(a, b):
    true = (torch.tensor(a, dtype=torch.float64) / torch.tensor(b, dtype=torch.float64)).item()
    assert same(numerics.divide(a, b), true)
    assert same(numerics.divide(a, torch.tensor(b, dtype=torch.float64)).item(), true)
    assert same(numerics.divide(torch.tensor(a, dtype=torch.float64), b).item(), true)


@settings(max_examples=40, deadline=None)
@given(a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_two_arguments(a, b):
    ta, tb = torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64)
    for function, true in ((numerics.minimum, min(a, b)), (numerics.maximum, max(a, b))):
        assert function(a, b) == true
        for pair in ((ta, tb), (ta, b), (a, tb)):
            assert function(*pair).item() == true
    assert numerics.where(a < b, a, b) == numerics.where(ta < tb, ta, tb).item()


@pytest.mark.parametrize("t", [0.3, torch.tensor([0.3, 0.7], dtype=torch.float64)], ids=["float", "tensor"])
def test_derivative(t):
    with torch.no_grad():
        slope = derivative(lambda s: numerics.sin(2 * s), t)
    assert type(slope) is type(t)
    slope, t = (torch.as_tensor(value, dtype=torch.float64) for value in (slope, t))
    assert torch.allclose(slope, 2 * torch.cos(2 * t), rtol=1e-14)


# -- phi ----------------------------------------------------------------------------------------------------------------

mp = mpmath.mp.clone()
mp.dps = 50


def exact_phi(k, z):
    """1F1(1; k + 1; z) / k!, in 50 digits."""
    return mp.hyp1f1(1, k + 1, mp.mpf(z)) / mp.factorial(k)


@pytest.mark.parametrize("k", range(11))
@settings(max_examples=80, deadline=None)
@given(z=st.floats(-60, 60) | st.floats(-1e-3, 1e-3) | st.floats(-12, 12))
def test_phi(k, z):
    true = exact_phi(k, z)
    bound = 2e-15 * max(1.0, abs(z)) if k == 0 else 2e-15
    assert abs(phi(k, z) / true - 1) <= bound
    assert abs(phi(k, torch.tensor(z, dtype=torch.float64)).item() / true - 1) <= bound
    assert abs(phi(k, torch.tensor(z, dtype=torch.float64)).item() / phi(k, z) - 1) <= bound


@pytest.mark.parametrize("k", range(1, 7))
def test_phi_at_its_ends(k):
    assert phi(k, 0.0) == phi(k, -0.0) == pytest.approx(1 / math.factorial(k), rel=1e-16)
    assert phi(k, -math.inf) == 0.0
    assert phi(k, 1e5) == math.inf
    ends = phi(k, torch.tensor([[0.0], [-math.inf], [1e5], [math.nan]], dtype=torch.float64))
    assert ends.shape == (4, 1)
    assert ends[:3, 0].tolist() == [pytest.approx(1 / math.factorial(k), rel=1e-16), 0.0, math.inf]
    assert ends[3].isnan().all()


def test_phi_in_single_precision():
    z = torch.linspace(-20, 20, 101)
    assert phi(3, z).dtype is torch.float32
    assert torch.allclose(phi(3, z).double(), phi(3, z.double()), rtol=2e-6)


def test_phi_recurrence_and_whole_numbers():
    for k in range(1, 6):
        assert phi(k, 2) == phi(k, 2.0) == pytest.approx((phi(k - 1, 2.0) - 1 / math.factorial(k - 1)) / 2.0, rel=1e-13)
    with pytest.raises(ValueError, match="k = -1"):
        phi(-1, 0.5)
