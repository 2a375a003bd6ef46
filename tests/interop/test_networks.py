"""Networks of EDM and of score_sde_pytorch: called as their own samplers call them."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import pytest
import torch

import solvers_zoo as zoo

X = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))


class Precond(torch.nn.Module):
    """The interface of NVlabs' networks, around what may be anything."""

    img_resolution, img_channels, label_dim, sigma_min, sigma_max = 2, 3, 5, 0.01, float("inf")

    def forward(self, x, sigma, class_labels=None, force_fp32=False, **kwargs):
        x, sigma = x.to(torch.float32), sigma.to(torch.float32).reshape(-1, 1, 1, 1)
        assert class_labels is None or class_labels.shape == (len(x), self.label_dim)
        shift = 0.0 if class_labels is None else class_labels.argmax(1).reshape(-1, 1, 1, 1)
        return x / (1 + sigma**2) + shift


def edm_sampler(net, x, labels, steps=6, low=0.01, high=80.0, rho=7):
    """Algorithm 1 of EDM, written out."""
    t = [
        (high ** (1 / rho) + i / (steps - 1) * (low ** (1 / rho) - high ** (1 / rho))) ** rho for i in range(steps)
    ] + [0.0]
    x = x * t[0]
    for now, after in pairwise(t):
        d = (x - net(x, torch.full((len(x),), now), labels)) / now
        moved = x + (after - now) * d
        if after > 0:
            d = (d + (moved - net(moved, torch.full((len(x),), after), labels)) / after) / 2
            moved = x + (after - now) * d
        x = moved
    return x


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 4, 1])])
def test_edm(labels):
    """Shape, range and labels come from the network; Heun with the last denoise is EDM's Algorithm 1."""
    model = zoo.from_edm(Precond())
    assert (model.shape, str(model.sde)) == ((3, 2, 2), "edm(sigma_min=0.01)")
    hot = None if labels is None else torch.nn.functional.one_hot(labels, 5).float()
    expected = edm_sampler(Precond(), X, hot)
    for given in {id(labels): labels, id(hot): hot}.values():
        condition = {} if given is None else {"class_labels": given}
        got = zoo.sample(model, "heun", steps=5, x=80 * X, denoise=True, condition=condition).x
        assert torch.allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_edm_refuses_labels_that_it_has_not():
    with pytest.raises(zoo.OptionError, match="class_labels from 0 to 7 are not possible; the network has 5 classes"):
        zoo.sample(zoo.from_edm(Precond()), "euler", n=2, steps=2, condition={"class_labels": torch.tensor([0, 7])})


class VPSDE:
    """The attributes that score_sde_pytorch's processes have, and their law."""

    beta_0, beta_1, N, T = 0.1, 20.0, 1000, 1

    def marginal_prob(self, x, t):
        log = -0.25 * t**2 * (self.beta_1 - self.beta_0) - 0.5 * t * self.beta_0
        return torch.exp(log)[:, None, None, None] * x, torch.sqrt(1 - torch.exp(2 * log))

    @property
    def kept(self):
        return torch.cumprod(
            1 - torch.linspace(self.beta_0 / self.N, self.beta_1 / self.N, self.N, dtype=torch.float64), 0
        )


class subVPSDE(VPSDE):
    def marginal_prob(self, x, t):
        mean, _ = super().marginal_prob(x, t)
        log = -0.25 * t**2 * (self.beta_1 - self.beta_0) - 0.5 * t * self.beta_0
        return mean, 1 - torch.exp(2 * log)


class VESDE:
    sigma_min, sigma_max, N, T = 0.02, 100.0, 500, 1

    def marginal_prob(self, x, t):
        return x, self.sigma_min * (self.sigma_max / self.sigma_min) ** t


def network(x, labels):
    assert labels.shape == x.shape[:1]
    return torch.tanh(x) * (1 + labels.to(x.dtype)[:, None, None, None] / 1000)


def published_score(sde, x, t, continuous):
    """get_score_fn, by its definition."""
    if isinstance(sde, VESDE):
        labels = sde.marginal_prob(x, t)[1] if continuous else torch.round((sde.T - t) * (sde.N - 1)).long()
        return network(x, labels)
    if continuous or isinstance(sde, subVPSDE):
        labels, std = t * 999, sde.marginal_prob(torch.zeros_like(x), t)[1]
    else:
        labels = t * (sde.N - 1)
        std = (1 - sde.kept).sqrt()[labels.round().long()]
    return -network(x, labels) / std[:, None, None, None]


@pytest.mark.parametrize("continuous", [True, False])
@pytest.mark.parametrize("theirs", [VPSDE, subVPSDE, VESDE])
def test_score_sde(theirs, continuous):
    """Scale, labels and law of each of its processes."""
    sde, x = theirs(), X.double()
    model = zoo.from_score_sde(network, sde, continuous)
    table = isinstance(model.sde, zoo.DDPMBetas)
    assert table == (theirs is VPSDE and not continuous)
    for u in (999 / 999, 500 / 999, 20 / 999):
        t = torch.full((4,), u, dtype=torch.float64)
        point = model.sde.at(u * 999 if table else u)
        score = published_score(sde, x, t, continuous)
        assert torch.allclose(model(x, point).score, score, rtol=1e-9)
        if not table:
            mean, std = sde.marginal_prob(torch.ones_like(x), t)
            assert point.alpha == pytest.approx(float(mean.flatten()[0]))
            assert point.sigma == pytest.approx(float(std[0]))
        else:
            assert point.alpha**2 == pytest.approx(float(sde.kept[round(u * 999)]))


def test_score_sde_takes_the_zoos_processes_too():
    for own in (zoo.VP(beta_max=10.0), zoo.SubVP(), zoo.VE(), zoo.DDPMBetas(num=100)):
        assert zoo.from_score_sde(network, own).sde is own
    with pytest.raises(zoo.IncompatibleError, match="A OU is not known here"):
        zoo.from_score_sde(network, zoo.OU())


def test_answers_that_are_no_tensors():
    model = zoo.from_k_diffusion(lambda x, sigma: {"x": x}, shape=(2,))
    with pytest.raises(zoo.ModelError, match="The network returned a dict"):
        zoo.sample(model, "euler", steps=2)
    assert math.isinf(pickle.loads(pickle.dumps(zoo.from_edm(Precond()))).fn.network.network.sigma_max)
