"""A network as a score model: preconditioning, classes, precision, and the networks themselves."""

from __future__ import annotations

import math

import pytest
import torch
from needs import needs
from torch import nn

import solvers_zoo as zoo
from solvers_zoo import registry

EDM = zoo.EDM()


def made(spec="mlp(width=16, depth=1)", shape=(2,), classes=None, lively=True):
    """A network whose last layers are not zero, so that all it is told matters."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = registry.default().make("network", spec).build(shape, classes)
        if lively:
            for parameter in net.parameters():
                parameter.data += 0.1 * torch.randn(parameter.shape)
    return net.eval().requires_grad_(False)


def model(classes=None, sde=EDM, **options):
    settings = {"sigma_data": 0.5, "shape": (2,), "classes": classes, "spec": "mlp(width=16, depth=1)"} | options
    return zoo.NetworkModel(made(classes=classes), sde, **settings)


def state(n=5, seed=0):
    return zoo.SeededNoise(seed, range(n), (2,)).data().fresh()


def test_preconditioning_is_that_of_edm():
    """Karras et al. 2022, Table 1, on its own process."""
    net, x, sigma, d = made(), state(), 0.7, 0.5
    skip, out = d**2 / (sigma**2 + d**2), sigma * d / math.sqrt(d**2 + sigma**2)
    inward, noise = 1 / math.sqrt(sigma**2 + d**2), torch.full((5,), math.log(sigma) / 4)
    wanted = skip * x + out * net(inward * x, noise, None)
    torch.testing.assert_close(model()(x, EDM.at(sigma)).x0, wanted)
    times = torch.full((5, 1), sigma, dtype=torch.float64)
    torch.testing.assert_close(model()(x, EDM.at(times)).x0, wanted)


@pytest.mark.parametrize("sde", [zoo.VP(), zoo.RectifiedFlow(), zoo.DDPMBetas()], ids=str)
def test_every_gaussian_process_sees_the_same_denoiser(sde):
    edm, point = model(), sde.at(0.4 * sde.t_max)
    x = state()
    ours = edm.on(sde)(x * point.alpha, point).x0
    torch.testing.assert_close(ours, edm(x, EDM.at(point.rho)).x0, rtol=1e-5, atol=1e-6)
    assert edm.on(EDM) is edm


def test_nothing_is_infinite_where_alpha_is_zero():
    flow = zoo.RectifiedFlow()
    assert bool(torch.isfinite(model(sde=flow)(state(), flow.at(1.0)).flow).all())
    x = zoo.sample(model().on(flow), "euler", steps=4, n=3).x
    assert bool(torch.isfinite(x).all())


@pytest.mark.parametrize("kind", ["x0", "eps", "v", "score", "flow"])
def test_without_preconditioning_the_network_is_the_prediction(kind):
    raw, x = model(sigma_data=None, prediction=kind), state()
    torch.testing.assert_close(
        getattr(raw(x, EDM.at(0.7)), kind), raw.net(x, torch.full((5,), math.log(0.7) / 4), None)
    )
    with pytest.raises(zoo.OptionError, match="preconditioning"):
        raw.on(zoo.VP())


def test_a_sample_has_its_class_in_any_batch():
    conditional = model(3, frequencies=[0.2, 0.0, 0.8])
    labels = conditional.default_condition(7, range(4000))["label"]
    assert torch.equal(labels[100:110], conditional.default_condition(7, range(100, 110))["label"])
    shares = labels.bincount(minlength=3) / 4000
    assert float(shares[1]) == 0
    assert float(shares[0]) == pytest.approx(0.2, abs=0.03)
    many = zoo.sample(conditional, "heun", steps=3, n=8, seed=7, chunk=3).x
    torch.testing.assert_close(many, zoo.sample(conditional, "heun", steps=3, n=8, seed=7).x)
    torch.testing.assert_close(many[:2], zoo.sample(conditional, "heun", steps=3, n=2, seed=7).x)
    given = zoo.sample(conditional, "heun", steps=3, n=8, seed=7, condition={"label": labels[:8]}).x
    torch.testing.assert_close(given, many)
    other = zoo.sample(conditional, "heun", steps=3, n=8, seed=7, condition={"label": 2 - labels[:8]}).x
    assert float((other - many).abs().max()) > 1e-4


def test_guidance_and_bound_labels_leave_no_label_to_draw():
    conditional = model(3, frequencies=[0.2, 0.3, 0.5])
    bound = zoo.Guided(conditional, 2.0, condition={"label": 1})
    assert bound.default_condition(0, range(3)) == {}
    assert zoo.sample(bound, "heun", steps=2, n=3).nfe == 8
    assert zoo.sample(zoo.Guided(conditional, 2.0), "heun", steps=2, n=3).nfe == 8
    none = conditional(state(), EDM.at(0.5)).x0
    torch.testing.assert_close(none, conditional(state(), EDM.at(0.5), label=3).x0)  # 3 of 3 classes: of no known class


def test_a_stopped_run_keeps_its_classes():
    conditional = model(3, frequencies=[0.2, 0.3, 0.5])
    whole = zoo.sample(conditional, "heun", steps=4, n=6, seed=3)
    stopped = zoo.sample(conditional, "heun", steps=4, n=6, seed=3, callback=lambda s: s.index == 2)
    assert torch.equal(zoo.sample(conditional, resume=stopped).x, whole.x)


def test_labels_that_are_no_class():
    with pytest.raises(zoo.ModelError, match="0 to 2"):
        model(3)(state(), EDM.at(0.5), label=7)
    with pytest.raises(zoo.ModelError, match="no classes"):
        model()(state(), EDM.at(0.5), label=0)
    with pytest.raises(zoo.OptionError, match="frequencies"):
        model(3, frequencies=[1.0])
    with pytest.raises(zoo.ModelError, match="own shape"):
        zoo.NetworkModel(lambda x, noise, label: x[:, :1], EDM, shape=(2,))(state(), EDM.at(0.5))


def test_a_state_in_double_precision_is_computed_in_it():
    """Heun's order can be seen on a network."""
    network = model()
    x = 5 * state().double()
    assert network(x, EDM.at(0.5)).x0.dtype is torch.float64
    grid = [5.0 * (0.3 / 5.0) ** (i / 64) for i in range(65)]
    fine = zoo.sample(network, "heun", grid=[5.0 * (0.3 / 5.0) ** (i / 1024) for i in range(1025)], x=x).x
    errors = [
        float((zoo.sample(network, "heun", grid=grid[:: 64 // n], x=x).x - fine).abs().max()) for n in (16, 32, 64)
    ]
    assert errors[1] / errors[2] == pytest.approx(4, abs=0.8)
    assert network.net.enter.weight.dtype is torch.float32
    half = network(state().bfloat16(), EDM.at(0.5)).x0
    assert half.dtype is torch.bfloat16


IMAGES = [
    ("unet(channels=[8, 16])", (1, 8, 8)),
    ("unet(channels=[8, 8, 8], blocks=2)", (3, 7, 9)),
    ("unet(channels=[8, 16], attention=[1], heads=2, patch=2, embedding=sinusoidal)", (1, 28, 28)),
    ("mlp(width=16, depth=1, embedding=sinusoidal)", (1, 8, 8)),
    pytest.param("diffusers-unet(channels=[8, 16], attention=[1])", (1, 8, 8), marks=needs("diffusers")),
]


@pytest.mark.parametrize(("spec", "shape"), IMAGES, ids=str)
def test_networks_take_images_noise_and_classes(spec, shape):
    net = made(spec, shape, classes=3)
    x = torch.ones(2, *shape) * 0.3
    same = torch.tensor([1, 1])
    out = net(x, torch.tensor([0.1, 0.1]), same)
    assert out.shape == x.shape
    torch.testing.assert_close(out[0], out[1], rtol=1e-4, atol=1e-5)
    assert float((net(x, torch.tensor([0.1, 0.5]), same)[1] - out[1]).abs().max()) > 1e-5
    assert float((net(x, torch.tensor([0.1, 0.1]), torch.tensor([1, 2]))[1] - out[1]).abs().max()) > 1e-5
    assert all(parameter.dtype is torch.float32 for parameter in net.parameters())


def test_a_network_starts_as_the_skip_alone():
    for spec, shape in IMAGES[:4]:
        net = made(spec, shape, lively=False)
        assert float(net(torch.randn(2, *shape), torch.zeros(2), None).abs().max()) == 0


def test_impossible_networks():
    make = registry.default().make
    with pytest.raises(zoo.OptionError, match="mlp for vectors"):
        make("network", "unet").build((2,), None)
    with pytest.raises(zoo.OptionError, match="attention at level 5"):
        make("network", "unet(attention=[5])")
    with pytest.raises(zoo.OptionError, match="multiples of 4"):
        make("network", "unet(channels=[10])")
    with pytest.raises(zoo.OptionError, match="multiples of 4"):
        make("network", "diffusers-unet").build((1, 7, 7), None)
    with pytest.raises(zoo.ModelError, match="cannot be loaded"):
        make("network", "module(factory='no_such_package:net')").build((2,), None)
    with pytest.raises(zoo.OptionError, match="names no function"):
        make("network", "module(factory=net)").build((2,), None)


class Tiny(nn.Module):
    """What a user brings."""

    def __init__(self, shape, classes):
        super().__init__()
        self.line = nn.Linear(shape[0] + 1, shape[0])

    def forward(self, x, noise, label):
        return self.line(torch.cat([x, noise[:, None]], 1))


def test_any_module_by_import_path(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self, shape, classes):\n"
        "        super().__init__(shape[0], shape[0])\n"
    )
    for factory in (f"{__name__}:Tiny", f"{tmp_path}/mine.py:Net"):
        assert isinstance(
            registry.default().make("network", f'module(factory="{factory}")').build((2,), None), nn.Module
        )
    with pytest.raises(zoo.ModelError, match="not a torch module"):
        registry.default().make("network", 'module(factory="operator:is_")').build((2,), 3)
