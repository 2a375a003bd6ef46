"""Guidance: classifiers, worse models, intervals, rescaling and thresholds."""

from __future__ import annotations

import pytest
import torch

import solvers_zoo as zoo

SDES = [zoo.VP(), zoo.EDM(), zoo.RectifiedFlow()]
KINDS = ("x0", "eps", "score", "v", "flow")
MEANS, SHARES = torch.tensor([[1.0, 0.5], [-1.0, 0.0]], dtype=torch.float64), torch.tensor([0.3, 0.7])


def gap(a, b):
    return float((a - b).detach().abs().max())


def states(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def told(model, kind):
    """The model, answering in another parametrisation."""
    return zoo.FunctionModel(
        lambda x, t: getattr(model(x, model.sde.at(t.reshape(-1, 1))), kind), model.sde, kind, (2,)
    )


@pytest.mark.parametrize("sde", SDES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_classifier_gives_the_exact_class(sde, kind):
    """The score of the mixture and the gradient of log p_t(class | x) are the score of the component, in any parametrisation."""
    mixture = zoo.Mixture(SHARES, MEANS, 0.2, sde)
    guided = zoo.ClassifierGuidance(
        told(mixture, kind), lambda x, point: mixture.responsibilities(x, point)[:, 0].log()
    )
    x, point = states(8, 2), sde.at_rho(0.9)
    assert gap(guided(x, point).score, zoo.Gaussian(MEANS[0], 0.2, sde)(x, point).score) < 1e-10
    assert guided.kind == kind
    assert zoo.sample(guided, "euler", grid=[0.9, 0.5, 0.3, 0.2], n=2).nfe == 6


@pytest.mark.parametrize("log_probability", [lambda x, point: x, lambda x, point: x.detach().sum(1)])
def test_a_classifier_must_give_one_differentiable_number_a_sample(log_probability):
    model = zoo.Gaussian([0.0, 0.0], 1.0, zoo.EDM())
    with pytest.raises(zoo.ModelError, match="log_probability"):
        zoo.sample(zoo.ClassifierGuidance(model, log_probability), steps=2)


def test_autoguidance_goes_on_from_the_bad_model_through_the_good():
    sde = zoo.VP()
    good, bad = zoo.Gaussian([1.0, 0.0], 0.2, sde), zoo.Gaussian([0.5, 0.5], 0.6, sde)
    x, point = states(8, 2), sde.at_rho(0.9)
    due = bad(x, point).x0 + 2.5 * (good(x, point).x0 - bad(x, point).x0)
    for kind in KINDS:
        guided = zoo.AutoGuidance(told(good, kind), told(bad, "eps"), 2.5)
        assert gap(guided(x, point).x0, due) < 1e-11
        assert guided.kind == kind
    assert zoo.sample(zoo.AutoGuidance(good, zoo.Guided(bad, 1.0)), "euler", steps=3).nfe == 9
    with pytest.raises(zoo.OptionError, match="two processes"):
        zoo.AutoGuidance(good, bad.on(zoo.EDM()))


def conditional(sde, kind="x0"):
    """A model that a condition moves, which counts its calls."""
    calls = []

    def fn(x, t, push=0.0):
        calls.append(push)
        return 0.3 * x + push

    return zoo.FunctionModel(fn, sde, kind, (3, 2)), calls


def test_outside_the_interval_there_is_the_condition_alone():
    sde = zoo.EDM()
    model, calls = conditional(sde)
    guided = zoo.Guided(model, 4.0, {"push": 1.0}, interval=(0.5, 2.0))
    x = states(5, 3, 2)
    for sigma, made in ((0.4, 1), (0.5, 2), (2.0, 2), (2.1, 1)):
        calls.clear()
        now = guided(x, sde.at(sigma))
        assert len(calls) == made
        assert gap(now.x0, 0.3 * x + (4.0 if made == 2 else 1.0)) < 1e-14
        assert (now.unguided is None) == (made == 1)
    each = guided(x, sde.at(torch.tensor([0.4, 0.5, 1.0, 2.0, 2.1], dtype=torch.float64).reshape(5, 1, 1))).x0 - 0.3 * x
    assert each[:, 0, 0].tolist() == pytest.approx([1.0, 4.0, 4.0, 4.0, 1.0])


def test_rescaling_moves_the_deviation_back():
    """At phi = 1 a sample's deviation is that of the conditional answer; in between it is linear; the direction stays."""
    sde = zoo.EDM()
    push = states(5, 3, 2, seed=1)
    model = zoo.FunctionModel(lambda x, t, push=0.0: 0.3 * x + push, sde, "eps", (3, 2))
    x, point = states(5, 3, 2), sde.at(1.3)
    outs = [zoo.Guided(model, 4.0, {"push": push}, rescale=phi)(x, point).out.flatten(1) for phi in (0.0, 0.5, 1.0)]
    assert gap(outs[2].std(1), (0.3 * x + push).flatten(1).std(1)) < 1e-14
    assert gap(outs[1], (outs[0] + outs[2]) / 2) < 1e-14
    assert gap(outs[2] / outs[2].norm(dim=1, keepdim=True), outs[0] / outs[0].norm(dim=1, keepdim=True)) < 1e-14
    for bad in ({"interval": (2.0, 0.5)}, {"rescale": 1.5}):
        with pytest.raises(zoo.OptionError, match="Guidance takes"):
            zoo.Guided(model, 4.0, **bad)


def test_thresholds():
    """Static: cut. Dynamic: torch's own quantile, never below the limit, scaled back; a sample inside is left alone."""
    sde = zoo.EDM()
    x = states(6, 1, 5, 5) * torch.linspace(0.1, 3, 6, dtype=torch.float64).reshape(6, 1, 1, 1)
    model = zoo.FunctionModel(lambda x, t: x, sde, "x0", (1, 5, 5))
    point = sde.at(1.0)
    assert torch.equal(zoo.Thresholding(model, -0.5, 1.0)(x, point).x0, x.clamp(-0.5, 1.0))
    got = zoo.DynamicThresholding(model, 0.9, 1.5)(x, point).x0
    s = torch.quantile(x.flatten(1).abs(), 0.9, dim=1).clamp_min(1.5).reshape(-1, 1, 1, 1)
    assert gap(got, x.clamp(-s, s) / s * 1.5) < 1e-14
    assert gap(got[0], x[0]) < 1e-15
    assert float(got.abs().max()) <= 1.5 + 1e-15
    assert zoo.DynamicThresholding(model)(x.bfloat16(), point).x0.dtype is torch.bfloat16
    for make in (lambda: zoo.Thresholding(model, 1.0, 1.0), lambda: zoo.DynamicThresholding(model, 1.5)):
        with pytest.raises(zoo.OptionError):
            make()


def test_thresholds_round_a_guided_model_keep_what_cfgpp_needs():
    model, _ = conditional(zoo.EDM())
    guided = zoo.Thresholding(zoo.Guided(model, 0.6, {"push": 2.0}), -9.0, 9.0)
    inner = zoo.Guided(model, 0.6, {"push": 2.0})
    x = states(4, 3, 2)
    assert guided(x, zoo.EDM().at(1.0)).unguided is not None
    grid = [2.0, 1.0, 0.3, 0.1]
    assert gap(zoo.sample(guided, "cfgpp", grid=grid, x=x).x, zoo.sample(inner, "cfgpp", grid=grid, x=x).x) < 1e-13
