"""Samples of every shape and dtype, and of none that can be used; laws that are not known; networks that are no networks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from metric_cases import F64, case, metric

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.errors import IncompatibleError, ModelError, NotFiniteError, OptionError
from solvers_zoo.metrics import reference as references
from solvers_zoo.metrics.base import Metric

NAMES = [entry.card.name for entry in registry.default().entries("metric")]
DEFAULT = {entry.card.name for entry in registry.default().entries("metric") if entry.card.default}


def figures(run):
    """Every metric that has a meaning for a run."""
    made = {name: metric(name) for name in NAMES}
    return {name: each.measure(run) for name, each in made.items() if not each.supports(run)}


def test_the_default_metrics():
    assert sorted(DEFAULT) == sorted({"strong", "sliced-w1", "energy", "mean", "covariance", "mode-weights"})


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_written_as_they_read(name):
    made = metric(name)
    assert isinstance(made, Metric)
    assert str(made) == name
    assert metric(str(made)) == made
    assert type(made).__doc__
    assert made.card.sampled is (name not in {"strong", "weak", "exact-tv", "exact-kl"})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_samples_of_few_bits_are_measured_in_many(dtype):
    run = case(n=100, steps=30)
    rough = figures(replace(run, x=run.x.to(dtype)))
    fine = figures(run)
    assert set(rough) == set(fine)
    for name in set(fine) - {
        "c2st",
        "weak",
        "exact-tv",
        "exact-kl",
    }:  # which counts samples, and which look at no samples
        assert rough[name].value == pytest.approx(fine[name].value, abs=0.02), name


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4)])
def test_samples_of_any_shape(shape):
    digits = zoo.model("digits").data[:100, :16].reshape(-1, *shape)  # their upper quarter
    model = zoo.Mixture([1.0] * 100, digits, 0.01, sde=zoo.EDM())
    run = case(model, "heun", 4, n=30)
    for name in ("sliced-w1", "energy", "mean", "marginal-ks", "frechet", "log-density", "strong"):
        found = metric(name).measure(run)
        assert found.n == 30
        assert found.value > 0
        assert metric(name).measure(replace(run, x=run.x.reshape(30, -1))).value == found.value


def test_one_sample_has_some_figures_and_words_for_the_rest():
    run = case(n=1)
    for name in ("energy", "mmd", "covariance", "frechet", "kernel"):
        with pytest.raises(IncompatibleError, match="at least 2 samples"):
            metric(name).measure(run)
    for name in (
        "sliced-w1",
        "mean",
        "strong",
        "mode-weights",
        "marginal-ks",
        "marginal-tv",
        "log-density",
        "sliced-w2",
    ):
        assert metric(name).measure(run).value >= 0, name


@pytest.mark.parametrize("name", sorted(DEFAULT))
def test_samples_that_are_not_finite_are_counted(name):
    run = case(n=20, steps=3)
    x = run.x.clone()
    x[3, 1], x[7, 0] = float("nan"), float("inf")
    with pytest.raises(NotFiniteError, match="2 of 20 samples"):
        metric(name).measure(replace(run, x=x))


def test_laws_without_a_closed_form_are_judged_by_permutations():
    """The same samples beside exact ones, the law not told: figures of two samples, and p that agree in kind."""
    run = case(n=300, steps=4)
    far = run.x + torch.tensor([1.0, 0.0])
    hidden = replace(
        run, model=zoo.FunctionModel(lambda x, t: x, sde=run.model.sde, prediction="x0", shape=(2,)), x=far
    )
    assert hidden.law is None
    for name in ("sliced-w1", "energy", "mmd", "mean"):
        known, blind = metric(name).measure(replace(run, x=far)), metric(name).measure(hidden)
        assert blind.p == pytest.approx(1 / 400)
        assert known.p < 0.01
    assert metric("energy").measure(hidden).value == pytest.approx(metric("energy").measure(replace(run, x=far)).value)
    for name in ("mode-weights", "marginal-ks", "marginal-tv", "log-density", "exact-tv", "weak"):
        assert metric(name).supports(hidden), name


def test_floors_are_drawn_once_for_all_runs_of_a_law(monkeypatch):
    model = zoo.Mixture([0.5, 0.5], [[-1.0], [1.0]], 0.1, sde=zoo.EDM())
    drawn = []
    monkeypatch.setattr(references, "_sets", lambda *given, real=references._sets: drawn.append(given) or real(*given))
    first = metric("mean").measure(case(model, n=50))
    second = metric("mean").measure(case(model, n=50, seed=1, solver="ddim"))
    assert (first.floor, first.sd) == (second.floor, second.sd)
    assert len(drawn) == 1
    metric("mean").measure(case(model, n=60))
    assert len(drawn) == 2


def test_measuring_twice_gives_the_same_and_leaves_global_random_numbers_alone():
    run, state = case(n=60, steps=5), torch.get_rng_state()
    assert figures(run) == figures(run)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_coordinate_that_is_not_there():
    with pytest.raises(OptionError, match="coordinate 2, and samples have 2"):
        metric("marginal-tv(axis=2)").measure(case(n=5))


def test_features_of_a_network_from_a_file(tmp_path):
    file = tmp_path / "own_features.py"
    file.write_text(
        "import torch\n"
        "class Bright(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        assert x.dtype is torch.float32 and x.shape[1:] == (1, 8, 8) and not self.training\n"
        "        return torch.stack((x.mean((1, 2, 3)), x.amax((1, 2, 3))), 1)\n"
        "net = Bright()\n"
        "def no_net():\n"
        "    return 3\n"
        "def bad_net():\n"
        "    return lambda x: x.sum() / 0 * x\n"
    )
    run = case("digits", "heun", 3, n=40)
    named = metric(f"frechet(features='{file}:net')")
    x, y = (torch.stack((z.mean((1, 2, 3)), z.amax((1, 2, 3))), 1) for z in (run.x, run.exact(40)))
    from solvers_zoo.metrics.distances import frechet

    assert named.measure(run).value == pytest.approx(float(frechet(x, y)), rel=1e-4)
    by_class = metric(f"frechet(features='{file}:Bright')")  # a class without arguments makes one too
    assert by_class.measure(run).value == named.measure(run).value
    assert metric("frechet").measure(run).value != named.measure(run).value
    for spec, words in (
        (f"{file}:no_net", "makes a int"),
        (f"{file}:bad_net", "not finite"),
        (f"{file}:nt", "has no 'nt'"),
        ("nothing", "names no network"),
        ("no.such:thing", "cannot be loaded"),
    ):
        with pytest.raises(ModelError, match=words):
            metric(f"kernel(features='{spec}')").measure(run)
    assert F64 is run.x.dtype
