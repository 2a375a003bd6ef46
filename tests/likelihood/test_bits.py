"""Bits a dimension by dequantisation, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.likelihood.bits import levels_of

MEAN, STD, NOISE = 0.1, 0.4, 0.02


def normal(scale=1.0):
    """N(0.1, 0.4^2) in two coordinates, in units of 1 / scale."""
    sde = zoo.VE(sigma_min=NOISE * scale, sigma_max=2.0 * scale)
    return zoo.Gaussian([MEAN * scale] * 2, (STD * scale) ** 2, sde)


def test_the_mean_over_the_cell_is_exact():
    x = torch.tensor([[0.5, -0.5]], dtype=torch.float64).repeat(1500, 1)
    found = zoo.bits_per_dim(normal(), x, levels=5, steps=10, time_error=False, method="flow")
    v = STD**2 + NOISE**2
    squares = ((x[0] - MEAN) ** 2 + 0.5**2 / 12) / (2 * v)  # of x + u, u uniform on a cell of width 1/2
    wanted = float((0.5 * math.log(2 * math.pi * v) + squares - math.log(0.5)).mean()) / math.log(2)
    mean, error = found.mean
    assert 0 < error < 0.02
    assert abs(mean - wanted) < 4 * error
    # an upper bound of -log2 P(cell) / 2
    edges = torch.special.ndtr((x[0][:, None] + torch.tensor([0.25, -0.25]) - MEAN) / math.sqrt(v))
    assert wanted > -float((edges[:, 0] - edges[:, 1]).log2().mean())


def test_units_do_not_matter():
    x = torch.tensor([[0.5, -0.5], [1.0, 0.0], [-1.0, -1.0]], dtype=torch.float64)
    own = zoo.bits_per_dim(normal(), x, levels=5, steps=6, draws=2, seed=3, time_error=False)
    bytes_ = zoo.bits_per_dim(
        normal(2.0), 2 * x + 1 - 1, levels=5, low=-2.0, high=2.0, steps=6, draws=2, seed=3, time_error=False
    )
    assert torch.allclose(own.bits, bytes_.bits, rtol=1e-10)
    assert (own.width, bytes_.width) == (0.5, 1.0)
    assert torch.allclose(own.bits, torch.stack([one.bits for one in own.likelihoods]).mean(0) + 1)
    assert not torch.equal(own.likelihoods[0].log_p, own.likelihoods[1].log_p)


def test_a_sample_has_the_same_bits_in_any_batch():
    x = torch.tensor([[0.5, -0.5], [1.0, 0.0], [-1.0, -1.0]], dtype=torch.float64)
    way = {"levels": 5, "steps": 4, "time_error": False, "trace": "hutchinson", "probes": 2}
    whole = zoo.bits_per_dim(normal(), x, **way)
    assert torch.equal(whole.bits[2:], zoo.bits_per_dim(normal(), x[2:], first=2, **way).bits)
    assert not torch.equal(whole.bits[2:], zoo.bits_per_dim(normal(), x[2:], **way).bits)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ((torch.arange(256) / 127.5 - 1).float(), 256),
        ((torch.arange(17) / 8 - 1).float(), 17),
        (torch.tensor([-1.0, 1.0, 1.0]), 2),
        (torch.tensor([-0.5, 0.0]), 5),
        (torch.tensor([0.0, 0.1, math.sqrt(0.5)]), None),
    ],
)
def test_levels_that_data_show(values, levels):
    assert levels_of(values) == levels


@pytest.mark.parametrize(
    ("words", "way"),
    [
        ("not on 256 evenly spaced levels", {}),
        ("not on 3 evenly", {"levels": 3}),
        ("1 levels", {"levels": 1}),
        ("low < high", {"levels": 5, "low": 1.0, "high": -1.0}),
        ("draws = 0", {"levels": 5, "draws": 0}),
    ],
)
def test_what_is_impossible_is_refused(words, way):
    with pytest.raises(zoo.OptionError, match=words):
        zoo.bits_per_dim(normal(), torch.tensor([[0.5, -0.5]]), **way)
