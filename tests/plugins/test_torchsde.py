"""The torchsde bridge: laws by exact probing, strong orders on one path, costs as counted."""

from __future__ import annotations

import functools
import math

import pytest
import torch
import zoo_torchsde
from zoo_torchsde.increments import Bridge

import solvers_zoo as zoo
from solvers_zoo.testing.probe import ProbeNoise

MEAN, VAR = 1.3, 0.25
EDM = zoo.EDM(sigma_min=0.02, sigma_max=10.0)
X = torch.linspace(-3, 3, 12, dtype=torch.float64).reshape(6, 2)

#: method: calls a step, weak order
METHODS = {
    "euler": (1, 1),
    "milstein": (1, 1),
    "srk": (2, 2),
    "heun": (2, 2),
    "midpoint": (2, 2),
    "euler-heun": (1, 1),
    "log-ode": (2, 2),
}


def offered(names, variables):
    """The pairs of method and variable that the bridge has."""
    return [(n, v) for n in names for v in variables if v in zoo.solver(f"torchsde-{n}").options()["variable"].choices]


def ou():
    wide = zoo.OU()
    return zoo.OU(t_min=wide.at_rho(0.02).t, t_max=wide.at_rho(10.0).t)


def target(sde, dim=2):
    return zoo.Gaussian(mean=[MEAN] * dim, cov=VAR, sde=sde)


def law(solver, sde, steps):
    """Mean and variance of the result from the exact law at the start, every draw probed: no Monte Carlo."""
    model, grid = target(sde, 1), zoo.grid("karras").make_grid(sde, steps)

    def run(x, noise):
        *_, last = solver.solve(model, x, grid, noise)
        return last.x.flatten()

    count = ProbeNoise(torch.zeros(1, 1, dtype=torch.float64))
    run(count.like, count)
    draws = len(count.addresses)
    x = torch.zeros(draws + 2, 1, dtype=torch.float64)
    x[1] = 1
    weights = torch.zeros(draws, draws + 2, dtype=torch.float64)
    weights[:, 2:] = torch.eye(draws, dtype=torch.float64)
    end = run(x, ProbeNoise(x, weights, count.addresses))
    a, b, c = float(end[1] - end[0]), float(end[0]), end[2:] - end[0]
    first, last = grid[0], grid[-1]
    variance = a * a * (first.alpha**2 * VAR + first.sigma**2) + float(c.square().sum())
    return a * first.alpha * MEAN + b - last.alpha * MEAN, variance / (last.alpha**2 * VAR + last.sigma**2) - 1


@pytest.mark.parametrize("process", ["edm", "ou"])
@pytest.mark.parametrize(("name", "variable"), offered(METHODS, ["t", "lam"]))
def test_weak_order(name, process, variable):
    sde = EDM if process == "edm" else ou()
    solver = zoo.solver(f"torchsde-{name}", variable=variable)
    order = METHODS[name][1]
    assert solver.facts().weak_order == order
    (_, coarse), (mean, fine) = (law(solver, sde, n) for n in ((256, 512) if variable == "lam" else (128, 256)))
    assert math.log2(abs(coarse / fine)) == pytest.approx(order, abs=0.2)
    assert abs(fine) < (0.03 if order == 1 else 5e-3)
    assert abs(mean) < 5e-3


def test_sigma_as_the_variable():
    solver = zoo.solver("torchsde-srk", variable="sigma")
    (_, coarse), (_, fine) = (law(solver, ou(), n) for n in (64, 128))
    assert math.log2(abs(coarse / fine)) == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize("variable", ["t", "sigma", "lam"])
@pytest.mark.parametrize("level", [0.3, 1.7])
def test_every_level_has_the_same_law(level, variable):
    mean, off = law(zoo.solver("torchsde-srk", level=level, variable=variable), ou(), 128)
    assert abs(mean) < 3e-3
    assert abs(off) < 3e-3


@pytest.mark.parametrize("name", METHODS)
def test_cost_is_counted_and_exact(name):
    """torchsde also asks for a slope to see its shape, and srk for a stage twice; neither reaches the model."""
    each, _ = METHODS[name]
    solver = zoo.solver(f"torchsde-{name}")
    for steps in (1, 2, 5):
        result = zoo.sample(target(EDM), solver, steps=steps, x=X)
        assert result.nfe == solver.nfe(steps) == each * steps
    assert solver.facts().evaluations == each


def test_euler_is_euler_maruyama_and_equivalents_are():
    model, grid = target(EDM), zoo.grid("karras").make_grid(EDM, 6)

    def run(spec):
        return zoo.sample(model, spec, grid=grid, x=X, seed=3).x

    assert torch.allclose(run("torchsde-euler"), run("euler-maruyama"), rtol=1e-12)
    for name in METHODS:
        for options in ("level=1", "level=0.5", "level=0.5, variable=sigma"):
            spec = f"torchsde-{name}({options})"
            for other in zoo.registry.default().make("solver", spec).facts().equivalents:
                assert torch.allclose(run(spec), run(other), rtol=1e-12), (spec, other)
    assert not torch.allclose(run("torchsde-heun"), run("torchsde-midpoint"), atol=1e-3)


class PathNoise(zoo.Noise):
    """One Brownian path in lam, so that a refined grid sees the same noise."""

    def __init__(self, low, high, n):
        self.path = zoo.SeededNoise(0, range(n), (1,), torch.float64).path(low, high, (high - low) / 4096)

    def at(self, index):
        return _PathDraws(self.path)


class _PathDraws(zoo.Draws):
    def __init__(self, path):
        self.path = path

    def between(self, t, s, area=False):
        root = math.sqrt(s.lam - t.lam)
        drawn = self.path.increment(t.lam, s.lam, area)
        return tuple(part / root for part in drawn) if area else drawn / root

    def fresh(self):
        raise NotImplementedError

    uniform = fresh


@pytest.mark.parametrize(
    ("name", "order"),
    [("euler-heun", 1.0), ("srk", 1.5), ("heun", 1.0), ("midpoint", 1.0)],
)
def test_strong_order_on_one_path(name, order):
    """Two overlapping modes in 1-D, in lam, against a fine run of srk on the same path; srk alone sees the Levy area."""
    model, x, noise, exact = strong_problem()
    errors = [float((strong_run(name, steps, model, x, noise) - exact).square().mean().sqrt()) for steps in (16, 64)]
    slope = math.log2(errors[0] / errors[1]) / 2
    assert order - 0.25 < slope < order + (0.6 if name == "srk" else 0.25)  # 1.5 is what SRA1 is sure of
    assert zoo.solver(f"torchsde-{name}", variable="lam").facts().strong_order == order
    in_t = zoo.solver(f"torchsde-{name}").facts().strong_order
    assert in_t == (1 if order == 1 else None)  # areas of a path in lam are not those of t


@functools.cache
def strong_problem():
    sde = zoo.EDM(sigma_min=0.1, sigma_max=2.0)
    model = zoo.Mixture([0.4, 0.6], [[-0.3], [0.3]], [0.16, 0.25], sde=sde)
    noise = PathNoise(sde.at(2.0).lam, sde.at(0.1).lam, 100)
    x = torch.linspace(-4, 4, 100, dtype=torch.float64)[:, None]
    return model, x, noise, strong_run("srk", 512, model, x, noise)


def strong_run(name, steps, model, x, noise):
    sde = model.sde
    low, high = sde.at(2.0).lam, sde.at(0.1).lam
    grid = zoo.Grid(sde, [2.0, *(sde.at_lam(low + i / steps * (high - low)).t for i in range(1, steps)), 0.1])
    *_, last = zoo.solver(f"torchsde-{name}", variable="lam").solve(model, x, grid, noise)
    return last.x


def test_samples_are_their_own_and_global_randomness_is_untouched():
    before = torch.random.get_rng_state()
    for name in METHODS:
        whole = zoo.sample(target(EDM), f"torchsde-{name}", steps=4, x=X, seed=1).x
        assert torch.equal(zoo.sample(target(EDM), f"torchsde-{name}", steps=4, x=X[:1], seed=1).x, whole[:1]), name
    zoo.sample(target(EDM), "torchsde-adaptive", steps=2, x=X, seed=1)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", METHODS)
def test_shapes_dtypes_and_resuming(name):
    model = zoo.Gaussian(mean=torch.full((3, 4, 4), MEAN), cov=VAR, sde=EDM)
    grid = zoo.grid("karras").make_grid(EDM, 5)
    noise = zoo.SeededNoise(0, range(2), (3, 4, 4))
    x = 10 * noise.start().fresh()
    solver = zoo.solver(f"torchsde-{name}")
    states = list(solver.solve(model, x, grid, noise))
    assert states[-1].x.shape == (2, 3, 4, 4)
    assert states[-1].x.dtype is torch.float32
    for state in states[:-1]:
        *_, last = solver.solve(model, x * torch.nan, grid, noise, state)
        assert torch.equal(last.x, states[-1].x)


class Spy(zoo.ModelWrapper):
    def __init__(self, model):
        super().__init__(model)
        self.seen = []

    def __call__(self, x, point, **condition):
        self.seen.append(point.t)
        return self.model(x, point, **condition)


@pytest.mark.parametrize(("name", "variable"), offered([*METHODS, "adaptive"], ["t", "sigma", "lam"]))
def test_the_model_is_never_called_outside_the_grid(name, variable):
    model = Spy(target(zoo.OU(t_min=1e-5, t_max=3.0)))
    times = [3.0, 1.0, 0.3, 0.1]
    x = zoo.sample(model, zoo.solver(f"torchsde-{name}", variable=variable), grid=times, x=X.float()).x
    assert x.isfinite().all()
    assert (min(model.seen), max(model.seen)) >= (0.1, 1.0)
    assert max(model.seen) <= 3.0


@pytest.mark.parametrize("method", ["heun", "midpoint", "euler"])
def test_adaptive_stepping_costs_more_for_less_error(method):
    """The exact law within Monte-Carlo error, and a tighter tolerance takes more calls; deterministic for a seed."""
    sde = zoo.EDM(sigma_min=0.3, sigma_max=3.0)
    model, n = target(sde, 8), 2000
    x = model.draw(sde.at(3.0), zoo.SeededNoise(9, range(n), (8,), torch.float64).data())

    def run(tol):
        solver = zoo.solver("torchsde-adaptive", method=method, rtol=tol, atol=tol)
        return zoo.sample(model, solver, grid=[3.0, 0.3], x=x, seed=2)

    loose, tight = run(1e-1), run(5e-3)
    assert loose.nfe < tight.nfe
    exact = VAR + 0.3**2
    assert float((tight.x - MEAN).square().mean()) == pytest.approx(exact, rel=4 * (2 / (8 * n)) ** 0.5 + 5e-3)
    assert float(tight.x.mean()) == pytest.approx(MEAN, abs=4 * (exact / (8 * n)) ** 0.5)
    assert torch.equal(run(1e-1).x, loose.x)


def test_a_bridge_is_one_brownian_path():
    """Increments add up whatever was asked before, and have the variance and independence of a Brownian motion."""
    bridge = Bridge(zoo.SeededNoise(0, range(20000), (1,), torch.float64).at(0), 1.0, 3.0)
    whole, first, second = bridge.increment(1.0, 2.6), bridge.increment(1.0, 1.8), bridge.increment(1.8, 2.6)
    assert torch.allclose(first + second, whole, atol=1e-14)
    retried = bridge.increment(1.8, 2.2)
    assert torch.allclose(retried + bridge.increment(2.2, 2.6), second, atol=1e-14)
    last = bridge.increment(2.6, 3.0)
    for part, length in ((first, 0.8), (second, 0.8), (retried, 0.4), (last, 0.4)):
        assert float(part.var()) == pytest.approx(length, rel=0.05)
    for one, other in ((first, second), (second, last), (first, last)):
        assert abs(float((one * other).mean())) < 0.02


def test_adaptive_explains_a_failing_model():
    bad = zoo.FunctionModel(lambda x, t: x * torch.nan, sde=EDM, prediction="x0")
    with pytest.raises(zoo.ModelError, match="step 1 of 2"):
        zoo.sample(bad, "torchsde-adaptive", steps=2, x=X)


def test_what_is_refused():
    sde = zoo.sde("rectified-flow")
    grid = zoo.Grid(sde, [1.0, 0.5, 0.1])
    for variable in ("t", "sigma", "lam"):
        for name in ["srk", "heun", "adaptive"]:
            assert "alpha = 0" in zoo.solver(f"torchsde-{name}", variable=variable).supports(sde, grid)
    assert "increases" in zoo.solver("torchsde-srk").supports(EDM, zoo.Grid(EDM, [0.1, 1.0]))


def test_cards_agree_with_the_installed_library(monkeypatch):
    import torchsde.settings

    assert zoo_torchsde.doctor() == []
    monkeypatch.delattr(torchsde.settings.METHODS, "srk")
    monkeypatch.setattr(torchsde.settings.METHODS, "sra3", "sra3", raising=False)
    assert [line.split("'")[1] for line in zoo_torchsde.doctor()] == ["srk", "sra3"]


def test_a_thousand_steps_do_not_recurse():
    result = zoo.sample(target(EDM), "torchsde-euler", steps=1000, x=X[:1], dtype=torch.float64)
    assert result.x.isfinite().all()
