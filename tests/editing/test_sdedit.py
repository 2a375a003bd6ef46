"""SDEdit: its law on a Gaussian, its ends, and its noise."""

from __future__ import annotations

import pytest
import torch

import solvers_zoo as zoo

SDE = zoo.VP()
MODEL = zoo.Gaussian([0.5, -1.0], [0.3, 2.0], SDE)
X = torch.tensor([[3.0, 1.0], [-2.0, 0.4], [0.0, 5.0], [1.0, 1.0]], dtype=torch.float64)


def affine(solver, times):
    """Slope and offset of a deterministic solver on the Gaussian, coordinate by coordinate."""
    ends = [zoo.sample(MODEL, solver, grid=times, x=torch.full((1, 2), v).double()).x[0] for v in (0.0, 1.0)]
    return ends[1] - ends[0], ends[0]


@pytest.mark.parametrize("strength", [0.3, 0.5, 0.77])
def test_its_law_is_that_of_the_solver_from_the_noised_data(strength):
    # x given, the start is N(alpha x, sigma^2) and the solver affine: mean and covariance are exact by unit noises
    done = zoo.edit(MODEL, X, strength, "heun", steps=10)
    slope, offset = affine("heun", done.grid)
    start = SDE.at(done.grid[0])
    z = zoo.SeededNoise(0, range(4), (2,), torch.float64).start().fresh()
    assert torch.allclose(done.x, slope * (start.alpha * X + start.sigma * z) + offset, rtol=1e-12)
    whole = zoo.sample(MODEL, "heun", steps=10, n=1).grid
    place = (1 - strength) * 10
    assert done.grid[1:] == whole[int(place) + 1 :]
    assert whole[int(place)] >= done.grid[0] > whole[int(place) + 1]


def test_at_full_strength_it_is_plain_sampling_but_for_what_is_left_of_the_data():
    plain = zoo.sample(MODEL, "heun", steps=10, n=4, seed=3, dtype=torch.float64)
    done = zoo.edit(MODEL, X, 1.0, "heun", steps=10, seed=3)
    slope, _ = affine("heun", plain.grid)
    end, z = SDE.at(SDE.t_max), zoo.SeededNoise(3, range(4), (2,), torch.float64).start().fresh()
    left = (
        end.alpha * X + (end.sigma - SDE.prior_std(SDE.t_max)) * z
    )  # sampling starts at N(0, 1), of all but the same variance
    assert done.grid == plain.grid
    assert torch.allclose(done.x - plain.x, slope * left, rtol=1e-9)
    longer = zoo.Gaussian([0.5, -1.0], [0.3, 2.0], zoo.VP(t_max=2.0))  # nothing is left at its end
    assert torch.allclose(
        zoo.edit(longer, X, 1.0, steps=10).x, zoo.sample(longer, steps=10, n=4, dtype=torch.float64).x, atol=1e-5
    )


def test_a_weak_one_returns_the_data():
    sigma = SDE.sigma(SDE.t_min)
    last = zoo.sample(MODEL, steps=10, n=1).grid[-2:]
    off = [float((zoo.edit(MODEL, X, strength, steps=10).x - X).abs().max()) for strength in (1e-6, 1e-2, 0.5)]
    assert off[0] < 4 * sigma
    assert off[0] < off[1] < 5 * SDE.sigma(last[0])
    assert off[2] > 10 * off[1]


@pytest.mark.parametrize("solver", ["heun", "ddpm", "euler-maruyama"])
def test_a_sample_is_the_same_in_any_batch(solver):
    whole = zoo.edit(MODEL, X, 0.6, solver, steps=8, seed=5)
    assert torch.equal(whole.x[:2], zoo.edit(MODEL, X[:2], 0.6, solver, steps=8, seed=5).x)
    assert torch.equal(whole.x, zoo.edit(MODEL, X, 0.6, solver, steps=8, seed=5, chunk=3).x)
    assert not torch.equal(whole.x, zoo.edit(MODEL, X, 0.6, solver, steps=8, seed=6).x)


def test_cost_and_start_follow_the_strength():
    grid = zoo.sample(MODEL, steps=10, n=1).grid
    assert [zoo.edit(MODEL, X, s, "ddim", steps=10).nfe for s in (0.1, 0.5, 0.55, 1.0)] == [1, 5, 6, 10]
    assert zoo.edit(MODEL, X, steps=10).grid == grid[5:]
    assert zoo.edit(MODEL, X, t_start=grid[4], steps=10).grid == grid[4:]
    between = (grid[4] + grid[5]) / 2
    assert zoo.edit(MODEL, X, t_start=between, steps=10).grid == [between, *grid[5:]]


def test_a_condition_reaches_the_model_and_none_is_made_up():
    seen = []

    class Labelled(zoo.ModelWrapper):
        def predict(self, x, point, label=None, **condition):
            seen.append(label)
            return super().predict(x, point)

        def default_condition(self, seed, samples):
            return {"label": torch.zeros(len(samples))}

    labels = torch.arange(4)
    zoo.edit(Labelled(MODEL), X, 0.2, "ddim", steps=10)
    assert seen == [None, None]
    zoo.edit(Labelled(MODEL), X, 0.1, "ddim", steps=10, condition={"label": labels})
    assert torch.equal(seen[-1], labels)


@pytest.mark.parametrize(
    ("error", "words", "way"),
    [
        (zoo.OptionError, r"strength = 0 is not possible; it lies in \(0, 1\]", {"strength": 0}),
        (zoo.OptionError, "strength = 1.5", {"strength": 1.5}),
        (zoo.OptionError, "not both", {"strength": 0.5, "t_start": 0.5}),
        (zoo.OptionError, "t_start = 2", {"t_start": 2.0}),
        (zoo.OptionError, "n >= 1", {"x": torch.zeros(2)}),
    ],
)
def test_what_is_impossible_is_refused(error, words, way):
    with pytest.raises(error, match=words):
        zoo.edit(MODEL, **({"x": X} | way))
