"""Every objective against its closed form: value at the exact score, minimum on a Gaussian, and how they hang together."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.numerics.combine import combine
from solvers_zoo.train.objectives.denoising import DenoisingScoreMatching as DSM
from solvers_zoo.train.objectives.explicit import ExplicitScoreMatching as ESM
from solvers_zoo.train.objectives.flow import FlowMatching
from solvers_zoo.train.objectives.sliced import SlicedScoreMatching as SSM
from solvers_zoo.train.objectives.variational import DDPMBound
from solvers_zoo.train.objectives.weightings import WEIGHTINGS, weight_of

N = 40_000
EDM, VP, FLOW = zoo.EDM(), zoo.VP(), zoo.RectifiedFlow()


def gaussian(v, sde, dim=2):
    return zoo.Gaussian(torch.zeros(dim, dtype=torch.float64), v, sde)


def data(v, n=N, dim=2):
    return math.sqrt(v) * zoo.SeededNoise(1, range(n), (dim,), torch.float64).data().fresh()


def draws(n=N, dim=2, seed=0):
    return zoo.SeededNoise(seed, range(n), (dim,), torch.float64).at(0)


def agrees(values, exact, sds=4.0):
    values = values.detach()
    se = float(values.std()) / len(values) ** 0.5
    assert abs(float(values.mean()) - exact) < sds * se, (
        f"{float(values.mean()):.6g} +- {se:.2g}, should be {exact:.6g}"
    )


class Skewed(zoo.ModelWrapper):
    """The exact denoiser of a model with a nonlinear error of size ``b``, of the scale that errors have at every noise level."""

    def __init__(self, model, b):
        super().__init__(model)
        self.b = b

    def predict(self, x, point, **condition):
        scale = point.sigma**2 / (point.alpha**2 + point.sigma**2)
        return self.model.predict(x, point) + self.b * scale * (x + x.sin())


def uniform(n=N):
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


@pytest.mark.parametrize(("v", "sigma", "exact"), [(1.0, 0.5, 3.2), (0.25, 1.0, 0.2)])
def test_dsm_at_the_exact_score(v, sigma, exact):
    point = EDM.at(sigma)
    assert exact == pytest.approx(0.5 * 2 * (1 / sigma**2 - 1 / (v + sigma**2)), abs=1e-12)
    objective = DSM(weighting="constant", form="score")
    agrees(objective.loss_at(gaussian(v, EDM), data(v), point, draws()), exact)


@pytest.mark.parametrize("weighting", WEIGHTINGS[1:])
@pytest.mark.parametrize("sde", [VP, FLOW, EDM], ids=str)
def test_a_weighting_is_the_same_loss_in_every_form(sde, weighting):
    model, t = Skewed(gaussian(0.5, sde), 0.3), sde.t_min + 0.9 * (sde.t_max - sde.t_min) * uniform(50)[:, None]
    losses = [
        DSM(weighting=weighting, form=form).loss_at(model, data(0.5, 50), sde.at(t), draws(50))
        for form in ("native", "x0", "eps", "v", "score", "flow")
    ]
    for loss in losses[1:]:
        torch.testing.assert_close(loss, losses[0], rtol=1e-6, atol=1e-9)


def test_weightings_are_those_of_their_authors():
    sigma, d = 0.7, 0.5
    point = EDM.at(sigma)
    assert weight_of("edm", "x0", point, 2, d) == pytest.approx((sigma**2 + d**2) / (sigma * d) ** 2)
    assert weight_of("edm", "x0", point, 2, d) * (sigma * d) ** 2 / (sigma**2 + d**2) == pytest.approx(
        1
    )  # of the raw output
    assert weight_of("min-snr", "x0", point, 2, gamma=1.0) == pytest.approx(1.0)
    assert weight_of("min-snr", "eps", point, 2, gamma=5.0) == pytest.approx(1.0)  # SNR below gamma: min(SNR, g)/SNR
    assert weight_of("min-snr", "eps", EDM.at(0.1), 2, gamma=5.0) == pytest.approx(0.05)
    vp = VP.at(0.3)
    snr = (vp.alpha / vp.sigma) ** 2
    assert weight_of("min-snr", "v", vp, 2, gamma=1e9) == pytest.approx(snr / (snr + 1))
    assert weight_of("likelihood", "score", vp, 2) == pytest.approx(vp.g2)
    assert weight_of("likelihood", "eps", vp, 2) == pytest.approx(vp.g2 / vp.sigma**2)
    assert weight_of("sigma2", "eps", vp, 2) == pytest.approx(1.0)
    # 1 / E|grad log p(x_t | x_0)|^2, measured
    eps = data(1.0)
    assert weight_of("inverse-score", "score", vp, 2) == pytest.approx(
        1 / float((eps / vp.sigma).square().sum(1).mean()), rel=0.02
    )


def test_constant_eps_is_sigma2():
    model, point = Skewed(gaussian(1.0, VP), 0.2), VP.at(0.4)
    one = DSM(weighting="constant", form="eps").loss_at(model, data(1.0, 20), point, draws(20))
    torch.testing.assert_close(one, DSM(weighting="sigma2", form="x0").loss_at(model, data(1.0, 20), point, draws(20)))


def test_explicit_minimum_and_excess():
    """-d / (2 v_t) at the exact score, and half the squared error more elsewhere."""
    v, sigma = 0.7, 0.4
    exact = gaussian(v, EDM)
    agrees(ESM().loss_at(exact, data(v), EDM.at(sigma), draws()), -2 / (2 * (v + sigma**2)))
    model = Skewed(exact, 0.5)
    x = combine((1.0, data(v)), (sigma, draws().fresh()))
    excess = 0.5 * (model(x, EDM.at(sigma)).score - exact(x, EDM.at(sigma)).score).square().sum(1).mean()
    both = [ESM().loss_at(m, data(v), EDM.at(sigma), draws()) for m in (model, exact)]
    agrees(both[0] - both[1], float(excess.detach()))


def test_explicit_is_denoising_less_a_constant():
    sigma, model = 0.6, Skewed(gaussian(1.3, EDM), 0.4)
    explicit = ESM().loss_at(model, data(1.3), EDM.at(sigma), draws())
    denoising = DSM(weighting="constant", form="score").loss_at(model, data(1.3), EDM.at(sigma), draws())
    agrees(denoising - explicit, 2 / (2 * sigma**2))


def test_sliced_is_explicit_on_average():
    sigma, model = 0.6, Skewed(gaussian(1.3, EDM), 0.4)  # its Jacobian is diagonal
    explicit = ESM().loss_at(model, data(1.3), EDM.at(sigma), draws())
    rademacher = SSM().loss_at(model, data(1.3), EDM.at(sigma), draws())
    torch.testing.assert_close(rademacher, explicit, rtol=1e-9, atol=1e-9)  # no variance of its own
    for options in ({"directions": "gaussian"}, {"directions": "gaussian", "reduced": False, "slices": 2}):
        sliced = SSM(**options).loss_at(model, data(1.3), EDM.at(sigma), draws())
        assert float((sliced - explicit).detach().std()) > 0.1
        agrees(sliced - explicit, 0.0)


def test_explicit_refuses_many_coordinates():
    with pytest.raises(zoo.IncompatibleError, match="ssm"):
        ESM().loss_at(gaussian(1.0, EDM, 65), data(1.0, 2, 65), EDM.at(1.0), draws(2, 65))


BETAS = zoo.DDPMBetas(num=50, beta_end=0.2)
EVERYWHERE = [
    *((DSM(weighting=weighting, times="uniform"), VP) for weighting in WEIGHTINGS),
    (DSM(form="flow", weighting="constant"), FLOW),
    (ESM(weighting="sigma2"), VP),
    (SSM(weighting="likelihood"), VP),
    (FlowMatching(), FLOW),
    (DDPMBound(), BETAS),
    (DDPMBound(bound=True), BETAS),
    (DDPMBound(bound=True, variance="large"), BETAS),
]


@pytest.mark.parametrize(("objective", "sde"), EVERYWHERE, ids=lambda thing: str(thing))
def test_the_minimum_on_a_gaussian_is_at_its_score(objective, sde):
    """The slope along an error b vanishes at b = 0, and is positive beyond."""
    exact, n = gaussian(0.5, sde), 6000

    def slope(b):
        b = torch.full((n, 1), b, dtype=torch.float64, requires_grad=True)
        loss = objective.losses(Skewed(exact, b), data(0.5, n), uniform(n), draws(n))
        return torch.autograd.grad(loss.sum(), b)[0][:, 0]

    agrees(slope(0.0), 0.0)
    beyond = slope(0.5)
    assert float(beyond.mean()) > 6 * float(beyond.std()) / n**0.5


def test_flow_matching_at_the_exact_velocity():
    v, t = 0.6, 0.35
    left = 1 + v - (t - (1 - t) * v) ** 2 / ((1 - t) ** 2 * v + t**2)  # variance of eps - x0 given x_t
    agrees(FlowMatching().loss_at(gaussian(v, FLOW), data(v), FLOW.at(t), draws()), 0.5 * 2 * left)


def closed_bound(sde, v, dim, variance):
    """The bound of the exact model of N(0, v I), term by term."""
    total, entropy = 0.0, dim / 2 * math.log(2 * math.pi * math.e * v)
    for i in range(int(sde.t_max) + 1):
        p = sde.at(float(i))
        mse = v * p.sigma**2 / (p.alpha**2 * v + p.sigma**2)
        if i == 0:
            total += dim / 2 * (mse / p.sigma**2 + math.log(2 * math.pi * p.sigma**2))
            continue
        q = sde.at(float(i - 1))
        beta = 1 - (p.alpha / q.alpha) ** 2
        own = beta * q.sigma**2 / p.sigma**2
        if variance == "small":
            total += dim / 2 * ((q.alpha / q.sigma) ** 2 - (p.alpha / p.sigma) ** 2) * mse
        else:
            total += dim / 2 * (own / beta - 1 - math.log(own / beta) + (q.alpha * beta / p.sigma**2) ** 2 * mse / beta)
    p = sde.at(sde.t_max)
    return total + dim / 2 * (p.alpha**2 * v + p.sigma**2 - 1 - math.log(p.sigma**2)), entropy


@pytest.mark.parametrize("variance", ["small", "large"])
def test_the_variational_bound_of_a_gaussian(variance):
    exact, entropy = closed_bound(BETAS, 0.5, 2, variance)
    objective = DDPMBound(bound=True, variance=variance)
    agrees(objective.losses(gaussian(0.5, BETAS), data(0.5), uniform()[torch.randperm(N)], draws()), exact)
    finer, _ = closed_bound(zoo.DDPMBetas(num=1000), 0.5, 2, variance)
    assert exact - entropy > finer - entropy > 0  # a bound, and a better one with more indices


def test_levels_of_the_decoder_share_the_probability():
    objective, point = DDPMBound(bound=True, levels=5), BETAS.at(30.0)
    grey = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    for mean in (-1.2, 0.1, 0.8):
        mass = (-objective._decoder(grey, torch.full_like(grey, mean), point)).exp()
        assert float(mass.sum()) == pytest.approx(1.0, abs=1e-9)


def test_the_bound_is_for_indices():
    with pytest.raises(zoo.IncompatibleError, match="ddpm-betas"):
        DDPMBound().losses(gaussian(1.0, VP), data(1.0, 4), uniform(4), draws(4))


def test_importance_has_the_mean_of_uniform_times_and_less_variance():
    model, u = Skewed(gaussian(0.5, VP), 0.1), uniform()
    losses = {
        times: DSM(weighting="likelihood", times=times).losses(model, data(0.5), u, draws())
        for times in ("uniform", "importance")
    }
    both = losses["uniform"].mean() - losses["importance"].mean()
    se = (sum(float(loss.var()) for loss in losses.values()) / N) ** 0.5
    assert abs(float(both)) < 4 * se
    assert losses["importance"].std() < 0.6 * losses["uniform"].std()
    # and the mean at the exact score is the integral over time
    t = VP.t_min + uniform(20_000) * (VP.t_max - VP.t_min)
    p = VP.at(t)
    exact = float((0.5 * 2 * p.g2 * (1 / p.sigma**2 - 1 / (0.5 * p.alpha**2 + p.sigma**2))).mean())
    agrees(DSM(weighting="likelihood", times="importance").losses(gaussian(0.5, VP), data(0.5), u, draws()), exact)


def test_laws_of_times():
    t, weight = DSM(mean=-1.0, std=0.8).draw_times(VP, uniform())
    level = torch.log(VP.at(t).rho)
    assert float(level.mean()) == pytest.approx(-1.0, abs=0.02)
    assert float(level.std()) == pytest.approx(0.8, abs=0.02)
    assert bool((weight == 1).all())
    lam = VP.lam(DSM(times="log-snr").draw_times(VP, uniform())[0])
    torch.testing.assert_close(lam.diff(), lam.diff()[0].expand(N - 1), rtol=1e-6, atol=1e-9)
    with pytest.raises(zoo.IncompatibleError, match=r"t_max=0\.999"):
        DSM(times="importance").draw_times(FLOW, uniform(4))
