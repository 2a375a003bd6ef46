"""Benchmarks of networks: their own flow is the reference, and the shipped classifier sees what a solver spoils."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from metric_cases import metric
from zoo_lectures.ranking.numbers import FID_AT_10, PUBLISHED, rank_correlation

import solvers_zoo as zoo
from solvers_zoo.errors import ModelError
from solvers_zoo.exact.flows import reference_flow
from solvers_zoo.score_models.wrappers.conditioned import Conditioned


@pytest.fixture(scope="module")
def errors():
    """Root mean square errors at ten evaluations on the log-SNR grid, from starts that all share."""
    model, n = zoo.model("digits-net"), 48
    condition = model.default_condition(0, range(n))
    bound = Conditioned(model, condition, list(condition))
    sde = model.sde
    x = zoo.SeededNoise(0, range(n), model.shape).start().fresh() * sde.prior_std(sde.t_max)
    grid = zoo.grid("log-snr").make_grid(sde, 10)
    exact = reference_flow(bound, x.double(), grid[0], grid[-1], 1e-7)
    found = {}
    for name in {*PUBLISHED, *FID_AT_10}:
        run = zoo.sample(model, solver=name, grid="log-snr", nfe=10, x=x, seed=0, condition=condition)
        found[name] = float((run.x - exact).square().mean().sqrt())
    return found


def test_the_ranking_is_the_analytic_one(errors):
    at = {name: row[3] for name, row in PUBLISHED.items()}
    assert rank_correlation([errors[name] for name in at], list(at.values())) >= 0.8
    assert sorted(at, key=errors.get)[0] == sorted(at, key=at.get)[0] == "ipndm-3"


def test_the_ranking_is_that_of_published_fids(errors):
    assert rank_correlation([errors[name] for name in FID_AT_10], list(FID_AT_10.values())) >= 0.9


def _run(solver, nfe, n=150):
    """A finished run as far as the metric looks, with the training images of the right class as exact samples."""
    from solvers_zoo.score_models.targets.digits import load_digits

    model, seed = zoo.model("digits-net"), 5
    x = zoo.sample(model, solver=solver, nfe=nfe, n=n, seed=seed).x
    images, labels = load_digits()
    left = {digit: iter(torch.nonzero(labels == digit).flatten().tolist()) for digit in range(10)}
    asked = model.default_condition(~seed, range(n))["label"].tolist()
    exact = torch.stack([images[next(left[digit])] for digit in asked]).float()
    return SimpleNamespace(model=model, x=x, seed=seed, exact=lambda m: exact[:m])


def test_wrong_classes_are_counted():
    seen = metric("wrong-class")
    good, bad = seen.measure(_run("dpmpp-2m", 20)), seen.measure(_run("heun", 5))
    assert good.p > 0.001
    assert good.value < 0.05  # 2.2 % over many seeds
    assert good.floor < 0.03  # the classifier on real digits
    assert bad.value > 0.2
    assert bad.p < 1e-6
    assert bad.z > 10


def test_a_classifier_of_ones_own(tmp_path):
    file = tmp_path / "classes.py"
    file.write_text(
        "import torch\n"
        "def threes():\n"
        "    return lambda x: torch.full((len(x),), 3)\n"
        "def pair():\n"
        "    return lambda x: torch.zeros(len(x), 2)\n"
    )
    run = _run("ddim", 2)
    asked = run.model.default_condition(run.seed, range(150))["label"]
    named = metric(f"wrong-class(classifier='{file}:threes')")
    assert named.measure(run).value == pytest.approx(float((asked != 3).double().mean()))
    with pytest.raises(ModelError, match="knows 2 classes"):
        metric(f"wrong-class(classifier='{file}:pair')").measure(run)
    assert "not asked for classes" in named.supports(SimpleNamespace(model=zoo.model("ring"), seed=0))
    assert named.supports(run) == ""
