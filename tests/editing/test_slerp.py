"""Spherical interpolation."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo

PAIRS = zoo.SeededNoise(0, range(12), (2, 3, 4), torch.float64).data().fresh()
A, B = PAIRS[:, 0], PAIRS[:, 1]


def norm(x):
    return x.flatten(1).norm(dim=1)


def angle(x, y):
    return ((x * y).flatten(1).sum(1) / (norm(x) * norm(y))).clamp(-1, 1).acos()


def test_norms_and_angles_are_those_of_the_sphere():
    a, b = (x / norm(x).view(-1, 1, 1) * 5 for x in (A, B))
    for w in (0.1, 0.5, 0.75):
        x = zoo.slerp(a, b, w)
        assert torch.allclose(norm(x), torch.full((12,), 5.0).double(), rtol=1e-13)
        assert torch.allclose(angle(a, x), w * angle(a, b), rtol=1e-9)
        assert torch.allclose(angle(x, b), (1 - w) * angle(a, b), rtol=1e-9)
    chord = (a + b) / 2
    assert bool((norm(chord) < 0.95 * 5).all())


def test_its_formula_is_that_of_the_paper():
    theta = angle(A, B).view(-1, 1, 1)
    wanted = (0.7 * theta).sin() / theta.sin() * A + (0.3 * theta).sin() / theta.sin() * B
    assert torch.allclose(zoo.slerp(A, B, 0.3), wanted, rtol=1e-12)


def test_ends_are_exact_and_weights_may_differ():
    assert torch.equal(zoo.slerp(A, B, 0.0), A)
    assert torch.equal(zoo.slerp(A, B, 1), B)
    weights = torch.linspace(0, 1, 12, dtype=torch.float64)
    x = zoo.slerp(A, B, weights)
    for i in (0, 5, 11):
        assert torch.equal(x[i : i + 1], zoo.slerp(A[i : i + 1], B[i : i + 1], weights[i]))
    assert zoo.slerp(A.float(), B.float(), weights).dtype is torch.float32


def test_where_the_angle_is_tiny_it_is_a_line():
    x = zoo.slerp(A, A * 3, 0.25)
    assert torch.allclose(x, 1.5 * A, rtol=1e-12)
    near = A + 1e-5 * B
    assert torch.allclose(zoo.slerp(A, near, 0.5), (A + near) / 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("words", "a", "b"),
    [
        ("one shape", A, B[:3]),
        ("opposite", A, -2 * A),
        ("0 in every", A, torch.zeros_like(B)),
        ("one shape", A[0, 0, 0], A[0, 0, 1]),
    ],
)
def test_what_has_no_way_is_refused(words, a, b):
    with pytest.raises(zoo.OptionError, match=words):
        zoo.slerp(a, b, 0.5)


def test_variance_of_noise_is_kept():
    codes = zoo.SeededNoise(1, range(4000), (2, 16), torch.float64).data().fresh()
    middle = zoo.slerp(codes[:, 0], codes[:, 1], 0.5)
    assert float(middle.var()) == pytest.approx(1, abs=4 * math.sqrt(2 / 64_000) + 0.02)  # of a line it would be 1/2
