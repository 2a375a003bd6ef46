"""k-diffusion both ways: its denoisers as models, the zoo's solvers as its samplers."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from needs import needs

import solvers_zoo as zoo
from solvers_zoo.bench.overhead import import_k_diffusion

pytestmark = needs("k-diffusion")

TARGET = zoo.Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.3**2, 0.5**2], zoo.EDM(sigma_min=1e-3, sigma_max=1e3))
SIGMAS = torch.tensor([20.0, 11.0, 7.5, 3.0, 2.0, 1.1, 0.5, 0.3, 0.11, 0.06, 0.02, 0.0], dtype=torch.float64)
X = 20 * torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def denoiser(x, sigma, shift=0.0):
    return TARGET.predict(x, TARGET.sde.at(float(sigma[0]))) + shift


SAME = {
    "sample_euler": "euler",
    "sample_heun": "heun",
    "sample_dpm_2": "dpm-solver-2",
    "sample_dpmpp_2m": "dpmpp-2m",
    "sample_lms": "lms",
    "sample_euler_ancestral": "euler-ancestral",
    "sample_dpm_2_ancestral": "dpm2-ancestral",
    "sample_dpmpp_2s_ancestral": "dpmpp-2s-ancestral",
}


@pytest.mark.parametrize("ending", ["to zero", "above"])
@pytest.mark.parametrize("peer", SAME)
def test_as_k_diffusions_own(peer, ending):
    """The same call, the same result, from the same seed of torch where there is noise."""
    sigmas = SIGMAS if ending == "to zero" and peer != "sample_lms" else SIGMAS[:-1]
    ends = []
    for sample in (getattr(import_k_diffusion(), peer), zoo.as_k_diffusion(SAME[peer])):
        torch.manual_seed(3)
        ends.append(sample(denoiser, X, sigmas, extra_args={"shift": 0.1}, disable=True))
    theirs, ours = ends
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-9


@pytest.mark.parametrize("solver", ["unipc", "dpmpp-2m", "exp-adams-eps-3", "rk4", "torchdiffeq-dopri5"])
def test_as_sample(solver):
    model = zoo.from_k_diffusion(denoiser, sigma_min=0.02, sigma_max=20.0)
    expected = zoo.sample(model, solver, grid=SIGMAS[:-1].tolist(), x=X, denoise=True, seed=0)
    got = zoo.as_k_diffusion(solver)(denoiser, X, SIGMAS, disable=True)
    assert torch.equal(got, expected.x)


def test_noise_sampler_and_callback():
    """Noise is asked for by interval; every step is told of with the model's first answer in it."""
    seen, asked = [], []

    def sampler(sigma, sigma_next):
        asked.append((float(sigma), float(sigma_next)))
        return torch.zeros_like(X)

    end = zoo.as_k_diffusion("euler-ancestral")(
        denoiser, X, SIGMAS, noise_sampler=sampler, callback=seen.append, disable=True
    )
    levels = SIGMAS.tolist()
    assert asked == list(pairwise(levels[:-1]))
    assert [told["i"] for told in seen] == list(range(11))
    assert [float(told["sigma"]) for told in seen] == levels[:-1]
    assert torch.equal(seen[0]["x"], X)
    assert torch.allclose(seen[0]["denoised"], denoiser(X, SIGMAS[:1]))
    assert torch.equal(seen[-1]["denoised"], end)
    stages = []
    zoo.as_k_diffusion("heun")(denoiser, X, SIGMAS, callback=stages.append, disable=True)
    assert [told["i"] for told in stages] == list(range(11))


def test_progress_bar(capsys):
    zoo.as_k_diffusion("euler")(denoiser, X, SIGMAS, disable=False)
    assert "11/11" in capsys.readouterr().err


@pytest.mark.parametrize("sigmas", [[1.0], [1.0, 0.0], [1.0, 2.0], [2.0, 1.0, 1.0, 0.0], [2.0, 0.0, 0.0]])
def test_sigmas_that_are_no_grid(sigmas):
    with pytest.raises(zoo.DomainError, match="are no grid"):
        zoo.as_k_diffusion("euler")(denoiser, X, torch.tensor(sigmas), disable=True)


def test_a_solver_that_cannot():
    with pytest.raises(zoo.IncompatibleError, match="restart cannot run on these sigmas"):
        zoo.as_k_diffusion("restart")(denoiser, X, torch.tensor([20.0, 10.0, 5.0]), disable=True)


def test_denoisers_of_k_diffusion():
    """Their range of noise levels is read; a network in eps on DDPM's table is the zoo's own model of it."""
    import_k_diffusion()
    from k_diffusion.external import DiscreteEpsDDPMDenoiser, VDenoiser

    class Net(torch.nn.Module):
        def forward(self, x, t, **kwargs):
            return torch.tanh(x) * (1 + t[:, None] / 1000)

    table = torch.tensor([zoo.DDPMBetas().alpha(float(i)) ** 2 for i in range(1000)], dtype=torch.float64)
    theirs = DiscreteEpsDDPMDenoiser(Net(), table, quantize=False).double()
    model = zoo.from_k_diffusion(theirs, shape=(2,))
    own = zoo.FunctionModel(Net(), zoo.DDPMBetas(), "eps", (2,))
    assert model.sde.t_max == pytest.approx(own.sde.at(999.0).rho)
    assert model.sde.t_min == pytest.approx(own.sde.at(0.0).rho)
    for t in (1.0, 400.0, 998.0):
        point = own.sde.at(t)
        got = model(X / point.alpha, model.sde.at(point.rho)).x0
        assert torch.allclose(got, own(X, point).x0, rtol=1e-4, atol=1e-3)
    assert str(zoo.from_k_diffusion(VDenoiser(Net())).sde) == "edm"
    assert str(zoo.from_k_diffusion(theirs, sigma_min=0.1, sigma_max=10.0).sde) == "edm(sigma_min=0.1, sigma_max=10.0)"
