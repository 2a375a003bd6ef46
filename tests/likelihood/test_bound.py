"""The variational bound and Tomczak's proxy, where closed forms say what they are."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.metrics.base import Clean

SHORT = zoo.VP(t_max=0.4)  # ends where the prior is still wrong


def drawn(model, n):
    return model.draw(Clean(), zoo.SeededNoise(0, range(n), model.shape, torch.float64).data())


def holds(gap, error):
    """A mean gap of 0 within four standard errors, that are as large as the gaps are."""
    z = float(gap.sum() / error.square().sum().sqrt())
    return abs(z) < 4 and 0.8 < float(gap.square().mean() / error.square().mean()) < 1.25


def test_at_the_exact_score_the_gap_is_the_mismatch_of_the_prior():
    # for each sample: bound(x) = E[-log p(x_min)] + E[log p_T(x_T) - log prior(x_T)], which is closed on a Gaussian
    mean, v = 0.7, 0.3
    model = zoo.Gaussian([mean, mean, mean], v, SHORT)
    x = drawn(model, 500)

    def surprise(point, m, s2):
        """E[-log N(x_t; m, s2)] over x_t given x."""
        return (0.5 * math.log(2 * math.pi * s2) + ((point.alpha * x - m) ** 2 + point.sigma**2) / (2 * s2)).sum(1)

    first, last = SHORT.at(SHORT.t_min), SHORT.at(SHORT.t_max)
    density = surprise(first, first.alpha * mean, first.alpha**2 * v + first.sigma**2)
    mismatch = surprise(last, 0.0, last.sigma**2) - surprise(last, last.alpha * mean, last.alpha**2 * v + last.sigma**2)
    found = zoo.variational_bound(model, x, draws=32)
    assert float(mismatch.mean()) > 0.1
    assert holds(found.nats - density - mismatch, found.error)
    assert not holds(found.nats - density, found.error)


@pytest.mark.parametrize("sde", [zoo.VP(), zoo.EDM(), zoo.OU(), zoo.DDPMBetas()], ids=lambda sde: sde.spec_name())
def test_on_a_mixture_it_is_tight(sde):
    model = zoo.model("mixture-2d", sde=sde)
    x = drawn(model, 800)
    point = sde.at(sde.t_min)
    noise = zoo.SeededNoise(5, range(len(x)), model.shape, torch.float64).data().fresh()
    log_p = model.log_density(point.alpha * x + point.sigma * noise, point)
    found = zoo.variational_bound(model, x, draws=32)
    gap = found.nats + log_p
    assert abs(float(gap.mean())) < 4 * float(gap.std()) / math.sqrt(len(x))
    assert float(gap.std()) / math.sqrt(len(x)) < 0.04


def test_a_wrong_score_costs_its_weighted_error():
    model = zoo.Gaussian([0.0, 0.0], 0.5, SHORT)
    x = drawn(model, 400)
    wrong = zoo.ScoreError(model, 0.8, "constant")
    point = torch.linspace(SHORT.t_min, SHORT.t_max, 4001, dtype=torch.float64)
    error = wrong(x[:1], SHORT.at(0.2)).score - model(x[:1], SHORT.at(0.2)).score
    wanted = float(error.square().sum()) / 2 * float(torch.trapezoid(SHORT.diffusion_squared(point), point))
    right, found = (zoo.variational_bound(m, x, draws=32) for m in (model, wrong))
    paid = found.nats - right.nats
    assert wanted > 0.4
    assert abs(float(paid.mean()) - wanted) < 4 * float(paid.std()) / math.sqrt(len(x))
    assert torch.equal(found.prior, right.prior)


def test_of_points_on_levels_it_is_their_probability():
    model = zoo.Mixture([0.2, 0.8], [[-0.5], [0.5]], 0.0, zoo.VP())
    x = torch.tensor([[-0.5], [0.5]], dtype=torch.float64).repeat(300, 1)
    found = zoo.variational_bound(model, x, draws=64, levels=5, t_end=SHORT.t_min)
    wanted = -torch.tensor([0.2, 0.8], dtype=torch.float64).log().repeat(300)
    assert holds(found.nats - wanted, found.error)
    assert found.mean[1] < 0.06
    # ending earlier leaves some of it to the levels, which are then told from their noise
    early = zoo.variational_bound(model, x, draws=64, levels=5)
    assert float(early.end.mean()) > 0.05 > float(found.end.abs().max())
    assert float(early.nats.mean() - wanted.mean()) > -4 * early.mean[1]
    assert torch.allclose(early.bits, early.nats / math.log(2))


def test_a_sample_has_the_same_bound_in_any_batch():
    model = zoo.model("mixture-2d", sde=zoo.EDM())
    x = drawn(model, 5)
    seen: list[tuple[int, int]] = []
    whole = zoo.variational_bound(model, x, draws=4, seed=3)
    parts = zoo.variational_bound(model, x, draws=4, seed=3, chunk=2, progress=lambda *done: seen.append(done))
    alone = zoo.variational_bound(model, x[4:], draws=4, seed=3, first=4)
    assert torch.equal(whole.nats, parts.nats)
    assert torch.equal(whole.error[4:], alone.error)
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert not torch.equal(whole.nats, zoo.variational_bound(model, x, draws=4, seed=4).nats)


@pytest.mark.parametrize(
    ("error", "words", "way"),
    [
        (zoo.OptionError, "even number", {"draws": 3}),
        (zoo.OptionError, "not on 2 evenly", {"levels": 2}),
        (zoo.OptionError, "t_end = 7", {"t_end": 7.0}),
        (zoo.ModelError, "shape", {"x": torch.zeros(2, 3)}),
        (zoo.ModelError, "not finite", {"x": torch.full((2, 2), math.nan)}),
        (zoo.IncompatibleError, "log-SNR", {"model": zoo.Gaussian([0.0, 0.0], 1.0, zoo.RectifiedFlow())}),
    ],
)
def test_what_is_impossible_is_refused(error, words, way):
    given = {"model": zoo.Gaussian([0.0, 0.0], 1.0, zoo.VP()), "x": torch.zeros(2, 2)} | way
    with pytest.raises(error, match=words):
        zoo.variational_bound(given.pop("model"), given.pop("x"), **given)


def test_tomczaks_proxy_is_that_of_the_book():
    # E (eps - E[eps | x_t])^2 = v / (v + sigma^2) a coordinate, weighted by sigma^2 / 2 and summed over the times
    sde, v = zoo.VEPower(base=25.0), 0.5
    model = zoo.Gaussian([0.0, 0.0], v, sde)
    found = zoo.tomczak_proxy(model, drawn(model, 4000), steps=6)
    s2 = sde.sigma(torch.linspace(1e-5, 1.0, 6, dtype=torch.float64)) ** 2
    wanted = float((0.5 * s2 * v / (v + s2)).sum())
    assert abs(float(found.mean()) - wanted) < 4 * float(found.std()) / math.sqrt(4000)
    assert float(found.std()) / math.sqrt(4000) < 0.02 * wanted
    with pytest.raises(zoo.OptionError, match="steps = 1"):
        zoo.tomczak_proxy(model, torch.zeros(1, 2), steps=1)
