"""Score matching at geometric noise levels: its levels, its value, its minimum, and the network that was trained by it."""

from __future__ import annotations

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.metrics.digits_features import digit_classes
from solvers_zoo.score_models.checkpoints import read_card
from solvers_zoo.score_models.targets.networks import WEIGHTS
from solvers_zoo.train.objectives.denoising import DenoisingScoreMatching
from solvers_zoo.train.objectives.ncsn import NCSN

VE, VP = zoo.VE(sigma_min=0.1, sigma_max=8.0), zoo.VP()
N, LEVELS, V = 12_000, 6, 0.5


def gaussian(sde):
    return zoo.Gaussian(torch.zeros(2, dtype=torch.float64), V, sde)


def draws(n=N, seed=0):
    return zoo.SeededNoise(seed, range(n), (2,), torch.float64).at(0)


def data(n=N):
    return V**0.5 * draws(n, 1).fresh()


def uniform(n=N):
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


def agrees(values, exact):
    values = values.detach()
    error = float(values.mean()) - exact
    assert abs(error) < 4 * float(values.std()) / len(values) ** 0.5, f"{error:.3g} off {exact:.6g}"


class Skewed(zoo.ModelWrapper):
    """The exact denoiser with a nonlinear error of size b, of the scale that errors have at every level."""

    def __init__(self, model, b):
        super().__init__(model)
        self.b = b

    def predict(self, x, point, **condition):
        scale = point.sigma**2 / (point.alpha**2 + point.sigma**2)
        return self.model.predict(x, point) + self.b * scale * (x + x.sin())


@pytest.mark.parametrize("sde", [VE, VP], ids=str)
def test_levels_are_geometric_and_count_alike(sde):
    t, weight = NCSN(levels=LEVELS).draw_times(sde, uniform())
    levels, counts = t.unique(return_counts=True)
    assert counts.tolist() == [N // LEVELS] * LEVELS
    rho = sde.at(levels).rho
    torch.testing.assert_close(rho[1:] / rho[:-1], (rho[-1] / rho[0]).pow(1 / (LEVELS - 1)).expand(LEVELS - 1))
    assert float(rho[0]) == pytest.approx(float(sde.at(sde.t_min).rho))
    assert float(rho[-1]) == pytest.approx(float(sde.at(sde.t_max).rho))
    assert bool((weight == 1).all())


@pytest.mark.parametrize("sde", [VE, VP], ids=str)
def test_value_at_the_exact_score(sde):
    objective = NCSN(levels=LEVELS)
    rho = sde.at(objective.draw_times(sde, uniform(LEVELS))[0]).rho
    exact = float((2 / 2 * V / (V + rho**2)).mean())
    agrees(objective.losses(gaussian(sde), data(), uniform(), draws()), exact)


def test_at_every_level_it_is_dsm_with_sigma2():
    model, objective = Skewed(gaussian(VE), 0.4), NCSN(levels=LEVELS)
    point = VE.at(objective.draw_times(VE, uniform(60))[0][:, None])
    ours = objective.losses(model, data(60), uniform(60), draws(60))
    dsm = DenoisingScoreMatching(weighting="sigma2", form="score").loss_at(model, data(60), point, draws(60))
    torch.testing.assert_close(ours, dsm, rtol=1e-12, atol=1e-12)


def test_the_minimum_on_a_gaussian_is_at_its_score():
    def slope(b):
        b = torch.full((N, 1), b, dtype=torch.float64, requires_grad=True)
        loss = NCSN(levels=LEVELS).losses(Skewed(gaussian(VE), b), data(), uniform(), draws())
        return torch.autograd.grad(loss.sum(), b)[0][:, 0]

    agrees(slope(0.0), 0.0)
    beyond = slope(0.5)
    assert float(beyond.mean()) > 6 * float(beyond.std()) / N**0.5


def test_what_has_no_levels_is_refused():
    with pytest.raises(zoo.IncompatibleError, match="none at an end; take ve"):
        NCSN().losses(gaussian(zoo.RectifiedFlow()), data(4), uniform(4), draws(4))
    with pytest.raises(zoo.IncompatibleError, match="all levels alike"):
        NCSN(times="log-normal").losses(gaussian(VE), data(4), uniform(4), draws(4))
    with pytest.raises(zoo.OptionError, match="levels"):
        NCSN(levels=1)


def test_the_shipped_network():
    """95.6 % of 898 digits by annealed Langevin dynamics are of the class that was asked for."""
    file = WEIGHTS / "digits-ncsn.safetensors"
    card = read_card(file)
    assert card["training"]["command"].startswith("zoo train digits ")
    assert card["training"]["objective"].startswith("ncsn(levels=20")
    assert card["data"]["licence"] == "CC BY 4.0"
    assert file.stat().st_size < 1.5e6
    model = zoo.model("digits-ncsn(label=3)")
    run = zoo.sample(
        model, "annealed-langevin(eps=0.001, n_steps_each=5)", steps=19, grid="log-snr", n=60, denoise=True
    )
    trained = NCSN(levels=20).draw_times(model.sde, uniform(20))[0]
    assert run.grid == pytest.approx(trained.tolist())
    assert float((digit_classes(run.x) == 3).double().mean()) > 0.8
    with pytest.raises(zoo.OptionError, match="leave the process out"):
        zoo.model("digits-ncsn", sde="vp")
