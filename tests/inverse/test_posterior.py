"""The exact posterior against Bayes' rule, and the methods that are exact for one Gaussian against it."""

from __future__ import annotations

import pytest
import torch
from problem import OPERATOR, SDE, STD, Data, Y, mixture

import solvers_zoo as zoo


def states(n=50, size=4, seed=0):
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    "model",
    [
        mixture(),
        zoo.Mixture([0.3, 0.7], [[0.0, 1, 2, 3], [1.0, 0, -1, 0]], [0.4, 0.9], SDE),
        zoo.Mixture([0.3, 0.7], [[0.0, 1, 2, 3], [1.0, 0, -1, 0]], [[0.1, 0.2, 0.3, 0.4], [1.0, 1, 2, 1]], SDE),
        zoo.Gaussian([0.0, 1, 2, 3], [0.5, 0.4, 0.3, 0.2], SDE),
        zoo.KernelMixture(states(6), 0.5, SDE),
    ],
    ids=["full", "isotropic", "diagonal", "gaussian", "kernel"],
)
def test_the_posterior_is_bayes(model):
    """log p(x | y) - log p(x) - log p(y | x) is one number, -log p(y), at every x."""
    law = zoo.posterior(model, OPERATOR, Y, STD)
    x = states()
    likelihood = -0.5 * ((Y - OPERATOR(x)) / STD).square().sum(1)
    rest = law.log_density(x, Data) - model.log_density(x, Data) - likelihood
    assert float(rest.max() - rest.min()) < 1e-10


def test_without_noise_the_posterior_lies_on_the_observation():
    law = zoo.posterior(mixture(), OPERATOR, Y, 0.0)
    x = law.draw(Data, zoo.SeededNoise(0, range(20), (4,), torch.float64).data())
    assert float((OPERATOR(x) - Y).abs().max()) < 1e-7  # the root of rounding in a covariance


def test_the_posterior_of_images_keeps_their_shape():
    model = zoo.Gaussian(torch.zeros(1, 2, 2), torch.ones(1, 2, 2), SDE)
    law = zoo.posterior(model, zoo.Average((1, 2, 2), 2), [[[0.5]]], 0.1)
    assert law.shape == (1, 2, 2)
    assert law.mean.tolist() == pytest.approx([0.5 * 0.25 / (0.25 + 0.01)] * 4)


def gaussian(sde):
    root = torch.tensor(
        [[0.9, 0, 0, 0], [0.3, 0.5, 0, 0], [-0.4, 0.2, 0.7, 0], [0.1, 0.3, -0.5, 0.4]], dtype=torch.float64
    )
    return zoo.Gaussian([0.5, -0.3, 0.2, 1.0], root @ root.mT, sde)


@pytest.mark.parametrize("sde", [SDE, zoo.EDM(), zoo.RectifiedFlow()], ids=str)
@pytest.mark.parametrize("method", ["mmps", "pigdm"])
def test_mmps_and_pigdm_are_exact_for_a_gaussian(sde, method):
    """MMPS for any covariance, PiGDM for a multiple of the identity: the posterior's own x0 at every level."""
    if method == "mmps":
        model = gaussian(sde)
        guided = zoo.MMPS(model, OPERATOR, Y, STD, iterations=2)
    else:
        model = zoo.Gaussian([0.5, -0.3, 0.2, 1.0], 0.49, sde)
        guided = zoo.PiGDM(model, OPERATOR, Y, STD, data_std=0.7)
    law, x = zoo.posterior(model, OPERATOR, Y, STD), states(20)
    for rho in (20.0, 1.0, 0.1):
        point = sde.at_rho(rho)
        with torch.no_grad():
            got, due = guided(x * rho * point.alpha, point).x0, law(x * rho * point.alpha, point).x0
        assert float((got - due).abs().max()) < 1e-8


@torch.no_grad()
def test_pigdm_is_not_exact_for_another_covariance():
    model, point, x = gaussian(SDE), SDE.at_rho(1.0), states(20)
    due = zoo.posterior(model, OPERATOR, Y, STD)(x, point).x0
    assert float((zoo.PiGDM(model, OPERATOR, Y, STD)(x, point).x0 - due).abs().max()) > 0.1


@torch.no_grad()
def test_too_few_iterations_are_not_exact():
    """One value of y a step of conjugate gradients: two are needed here, and more change nothing."""
    model, point, x = gaussian(SDE), SDE.at_rho(1.0), states(20)
    one, two, many = (zoo.MMPS(model, OPERATOR, Y, STD, iterations=k)(x, point).x0 for k in (1, 2, 9))
    assert float((one - two).abs().max()) > 1e-3
    assert float((two - many).abs().max()) < 1e-12


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: zoo.posterior(zoo.FunctionModel(lambda x, t: x, SDE, shape=(4,)), OPERATOR, Y, 0.1), "Gaussian"),
        (lambda: zoo.posterior(mixture(), OPERATOR, Y[:1], 0.1), "y has shape"),
        (lambda: zoo.posterior(mixture(), OPERATOR, Y, -0.1), "negative"),
        (lambda: zoo.posterior(mixture(), zoo.Matrix([[1.0, 0, 0, 0], [1.0, 0, 0, 0]]), Y, 0.0), "no density"),
        (lambda: zoo.posterior(mixture(), zoo.Matrix([[1.0, 0]]), [1.0], 0.1), "shape"),
    ],
)
def test_the_posterior_refuses_what_has_none(build, message):
    with pytest.raises(zoo.OptionError, match=message):
        build()
