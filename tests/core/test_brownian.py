"""Brownian paths: additive, of the right law, the same for any grid and batch."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.time_grids.karras import Karras

TIMES = [-2.0, -1.37, -1.36, 0.1, 0.75, 2.2, 3.0]  # on, off and between the tree's places


def seeded(n=3, shape=(2,), dtype=torch.float64, seed=0):
    return zoo.SeededNoise(seed, range(n), shape, dtype)


def path(n=3, shape=(2,), resolution=None, **more):
    return zoo.BrownianPath(seeded(n, shape, **more), -2.0, 3.0, resolution)


def close(a, b, tolerance=1e-12):
    assert float((a - b).abs().max()) <= tolerance


def assert_standard(columns):
    """Columns of (N, K) have mean 0, variance 1, and no correlation, each within 5 standard errors."""
    n, k = columns.shape
    covariance = columns.T @ columns / n
    assert float(columns.mean(0).abs().max()) < 5 / math.sqrt(n)
    error = (covariance - torch.eye(k, dtype=columns.dtype)).abs()
    assert float((error / (1 + torch.eye(k, dtype=columns.dtype)) ** 0.5).max()) < 5 / math.sqrt(n)


def chen(parts):
    """W and H of an interval made of ``parts``: (length, W, H) of neighbours, in the path's own units."""
    whole = sum(length for length, _, _ in parts)
    at, mean = 0.0, 0.0
    for length, W, H in parts:
        mean = mean + length / whole * (at + H + W / 2)
        at = at + W
    return at, mean - at / 2


# -- the tree --------------------------------------------------------------------------------------------------------


def test_increments_add_up_and_areas_obey_chens_relation():
    B = path()
    parts = [(b - a, *B.increment(a, b, area=True)) for a, b in pairwise(TIMES)]
    W, H = B.increment(TIMES[0], TIMES[-1], area=True)
    made_W, made_H = chen(parts)
    close(W, made_W)
    close(H, made_H)
    close(W, B.value(TIMES[-1]) - B.value(TIMES[0]))
    assert float(B.value(-2.0).abs().max()) == 0.0


def test_backwards_is_the_same_path():
    B = path()
    W, H = B.increment(0.1, 2.2, area=True)
    back_W, back_H = B.increment(2.2, 0.1, area=True)
    close(W, -back_W)
    close(H, back_H)


def test_refining_keeps_the_path():
    coarse, fine = path(), path()
    expected = [coarse.value(u) for u in TIMES]
    for u in torch.linspace(-2, 3, 101).tolist():
        fine.value(u)
    for u, value in reversed(list(zip(TIMES, expected, strict=True))):
        assert torch.equal(fine.value(u), value)


def test_law_of_increments_and_areas():
    B = path(n=100_000, shape=(1,))
    columns = []
    for a, b in pairwise(TIMES):
        W, H = B.increment(a, b, area=True)
        columns += [W / math.sqrt(b - a), H * math.sqrt(12 / (b - a))]
    assert_standard(torch.cat(columns, 1))


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_law_is_exact_at_any_single_time_however_coarse_the_tree(depth):
    """All of the leaf's formula: value, integral and their covariance, against those of Brownian motion."""
    B = path(n=100_000, shape=(1,), resolution=5.0 / 2**depth)
    for u in (-1.9, -0.3, 1.11, 2.99):
        W, H = B.increment(-2.0, u, area=True)
        V, G = B.increment(u, 3.0, area=True)
        a, b = u + 2, 3 - u
        scaled = (W / math.sqrt(a), H * math.sqrt(12 / a), V / math.sqrt(b), G * math.sqrt(12 / b))
        assert_standard(torch.cat(scaled, 1))


def test_a_clock_for_each_sample():
    B = path(n=40, shape=(2, 3))
    a, b = torch.linspace(-2, 2.9, 40).double().view(-1, 1, 1), torch.linspace(-1.5, 3, 40).double().view(-1, 1, 1)
    W, H = B.increment(a, b, area=True)
    for i in (0, 7, 39):
        w, h = path(n=40, shape=(2, 3)).increment(float(a[i]), float(b[i]), area=True)
        close(W[i], w[i])
        close(H[i], h[i])


def test_a_sample_sees_the_same_path_in_any_batch():
    for dim in (1, 3, 16):
        whole = path(n=64, shape=(dim,), dtype=torch.float32)
        expected = [whole.increment(a, b) for a, b in pairwise(TIMES)]
        for samples in ([0], [5, 3], range(7), range(1, 64)):
            part = zoo.BrownianPath(zoo.SeededNoise(0, samples, (dim,)), -2.0, 3.0)
            for (a, b), value in zip(pairwise(TIMES), expected, strict=True):
                assert torch.equal(part.increment(a, b), value[list(samples)])


def test_an_empty_interval_has_no_increment_and_no_area():
    W, H = path().increment(0.3, 0.3, area=True)
    assert float(W.abs().max()) == float(H.abs().max()) == 0.0


def test_seeds_and_ranges_make_different_paths():
    assert not torch.equal(path(seed=0).value(1.0), path(seed=1).value(1.0))


def test_values_do_not_alias_the_tree():
    B = path()
    first = B.value(0.5).clone()
    B.value(0.5).zero_()
    B.increment(-2.0, 0.5, area=True)[0].zero_()
    assert torch.equal(B.value(0.5), first)


@pytest.mark.parametrize("u", [-2.1, 3.1, math.nan, torch.tensor([[0.0], [4.0], [0.0]])])
def test_outside_the_range_is_refused(u):
    with pytest.raises(zoo.DomainError, match="outside"):
        path().value(u)


@pytest.mark.parametrize(
    ("low", "high", "resolution"), [(1, 1, None), (0, math.inf, None), (0, 1, 0.0), (0, 1, -1.0), (0, 1, 1e-15)]
)
def test_impossible_paths_are_refused(low, high, resolution):
    with pytest.raises(zoo.DomainError):
        zoo.BrownianPath(seeded(), low, high, resolution)


def test_other_noise_makes_no_paths():
    class Mine(zoo.Noise):
        def at(self, index):
            raise NotImplementedError

    with pytest.raises(zoo.IncompatibleError, match="Mine makes no Brownian paths"):
        Mine().path(0.0, 1.0)


# -- noise over a path -----------------------------------------------------------------------------------------------

FINE = Karras().make_grid(zoo.EDM(), 16)


def both(n=3, shape=(2,), dtype=torch.float64):
    return {"path": zoo.PathNoise(seeded(n, shape, dtype)), "grid": zoo.GridNoise(seeded(n, shape, dtype), FINE)}


@pytest.mark.parametrize("kind", ["path", "grid"])
@pytest.mark.parametrize("ends", [(0, 16), (3, 4), (2, 9)])
def test_steps_add_up_in_units_of_their_own_standard_deviation(kind, ends):
    noise = both()[kind]
    first, last = ends
    parts = []
    for i in range(first, last):
        h = FINE[i + 1].lam - FINE[i].lam
        W, H = noise.at(i).between(FINE[i], FINE[i + 1], area=True)
        parts.append((h, W * math.sqrt(h), H * math.sqrt(h)))
    h = FINE[last].lam - FINE[first].lam
    W, H = noise.at(0).between(FINE[first], FINE[last], area=True)
    made_W, made_H = chen(parts)
    close(W * math.sqrt(h), made_W)
    close(H * math.sqrt(h), made_H)
    close(noise.at(5).between(FINE[first], FINE[last]), W, 0)  # without the area, and in any step, the same
    close(noise.at(5).between(FINE[last], FINE[first]), -W)


@pytest.mark.parametrize("kind", ["path", "grid"])
def test_steps_have_the_standard_law(kind):
    noise = both(100_000, (1,))[kind]
    columns = []
    for i, j in ((0, 1), (1, 4), (4, 5), (5, 16)):
        W, H = noise.at(i).between(FINE[i], FINE[j], area=True)
        columns += [W, H * 12**0.5]
    assert_standard(torch.cat([*columns, noise.at(0).fresh()], 1))


def test_fresh_numbers_and_uniforms_are_the_seeds():
    plain, draws = seeded().at(3), both()["path"].at(3)
    assert torch.equal(draws.fresh(), plain.fresh())
    assert torch.equal(draws.uniform(), plain.uniform())


@pytest.mark.parametrize("kind", ["path", "grid"])
def test_an_interval_from_pure_noise(kind):
    """At alpha = 0 the clock starts at -inf: increments from there are the limit, and so the same at any reach."""

    class At(zoo.Point):
        lam = 0.0

        def __init__(self, lam):
            object.__setattr__(self, "lam", lam)

    points = [At(lam) for lam in (-math.inf, -3.0, 1.0, 2.0)]
    noise = zoo.PathNoise(seeded()) if kind == "path" else zoo.GridNoise(seeded(), points)
    W, H = noise.at(0).between(points[0], points[1], area=True)
    V, G = noise.at(0).between(points[0], points[3], area=True)
    assert torch.equal(W, V)
    assert torch.equal(H, G)
    assert torch.equal(noise.at(0).between(points[1], points[0]), -W)
    assert torch.isfinite(noise.at(0).between(points[1], points[3])).all()


def test_per_sample_points():
    sde, noise = zoo.EDM(), both(4, (2,))["path"]
    t, s = torch.tensor([[3.0], [2.0], [1.0], [1.0]]), torch.tensor([[2.0], [1.0], [0.5], [1.0]])
    W, H = noise.at(0).between(sde.at(t), sde.at(s), area=True)
    for i in range(3):
        w, h = noise.at(0).between(sde.at(float(t[i])), sde.at(float(s[i])), area=True)
        close(W[i], w[i])
        close(H[i], h[i])
    assert float(W[3].abs().max()) == 0.0  # a sample that stands still
    with pytest.raises(zoo.DomainError, match="one time for all samples"):
        both(4)["grid"].at(0).between(sde.at(t), sde.at(s))


def test_a_time_off_the_declared_grid_is_refused():
    sde = zoo.EDM()
    with pytest.raises(zoo.DomainError, match="not on the finest grid"):
        both()["grid"].at(0).between(FINE[0], sde.at(1.2345))
    with pytest.raises(zoo.DomainError, match="empty interval"):
        both()["grid"].at(0).between(FINE[0], FINE[0])
    with pytest.raises(zoo.DomainError, match="two times"):
        zoo.GridNoise(seeded(), FINE[:1])


def test_the_finest_grid_costs_one_normal_a_step(monkeypatch):
    drawn = []
    plain = zoo.SeededNoise.normal
    monkeypatch.setattr(zoo.SeededNoise, "normal", lambda self, *at: drawn.append(at) or plain(self, *at))
    noise = both()["grid"]
    for i in range(16):
        noise.at(i).between(FINE[i], FINE[i + 1])
    assert len(drawn) == 16


def model():
    return zoo.FunctionModel(lambda x, t: x / (1 + t.view(-1, 1) ** 2), sde=zoo.EDM(), prediction="x0", shape=(2,))


def strong_error(brownian):
    """Mean distances of 8 and 64 steps to 128, of samples that see one path or not."""
    grids = {n: FINEST[:: 128 // n] for n in (8, 64, 128)}
    x = {
        n: zoo.sample(model(), "ddim:eta=1", grid=list(times), n=200, dtype=torch.float64, brownian=brownian).x
        for n, times in grids.items()
    }
    return float((x[8] - x[128]).abs().mean()), float((x[64] - x[128]).abs().mean())


FINEST = Karras().make_grid(zoo.EDM(sigma_max=10.0, sigma_min=0.1), 128).times


@pytest.mark.parametrize("brownian", ["path", FINEST], ids=["path", "grid"])
def test_more_steps_converge_to_one_sample_a_seed(brownian):
    coarse, fine = strong_error(brownian)
    assert fine < 0.25 * coarse
    plain_coarse, plain_fine = strong_error("independent")
    assert plain_fine > 0.5 * plain_coarse  # without a path they do not
