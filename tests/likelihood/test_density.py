"""Log-densities along the probability flow, against the exact ones."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.likelihood.flow import Augmented

TIGHT = "rtol=1e-6, atol=1e-6"


class Shifted(zoo.ModelWrapper):
    """A Gaussian whose mean is its label; it would draw labels of its own if nobody stopped it."""

    def predict(self, x, point, label=0.0, **condition):
        shift = label.to(x).view(-1, 1) if isinstance(label, torch.Tensor) else label
        return self.model.predict(x - point.alpha * shift, point) + shift

    def default_condition(self, seed, samples):
        return {"label": torch.full((len(samples),), 7.0)}


def exact(model, x):
    return model.log_density(x, model.sde.at(model.sde.t_min))


def drawn(model, n):
    noise = zoo.SeededNoise(0, range(n), model.shape, torch.float64)
    return model.draw(model.sde.at(model.sde.t_min), noise.data())


@pytest.fixture(scope="module")
def plane():
    model = zoo.model("mixture-2d", sde=zoo.VE(sigma_min=0.05, sigma_max=20.0))
    return model, drawn(model, 8)


@pytest.fixture(scope="module")
def line():
    model = zoo.model("mixture-1d", sde=zoo.VE(sigma_min=0.1, sigma_max=10.0))
    return model, drawn(model, 64)


@pytest.mark.parametrize(
    ("solver", "method"),
    [("rk4", "map"), ("rk4", "flow"), (f"adaptive-dopri5({TIGHT})", "auto"), (f"torchdiffeq-dopri5({TIGHT})", "auto")],
)
def test_equals_the_exact_log_density(plane, solver, method):
    model, x = plane
    steps = 32 if solver == "rk4" else None
    found = zoo.log_likelihood(model, x, solver, steps=steps, method=method, time_error=False)
    assert float((found.log_p - exact(model, x)).abs().max()) < 1e-4
    assert torch.equal(found.log_p, found.prior + found.change)
    assert found.nfe == {"map": 2 * 4 * 32, "flow": 2 * 4 * 32}.get(method, found.nfe)


@pytest.mark.parametrize(("solver", "order", "method"), [("heun", 2, "map"), ("rk4", 4, "flow")])
def test_converges_at_the_order_of_the_solver(line, solver, order, method):
    model, x = line
    errors = [
        float(
            (zoo.log_likelihood(model, x, solver, steps=steps, method=method, time_error=False).log_p - exact(model, x))
            .abs()
            .mean()
        )
        for steps in (20, 40)
    ]
    assert order - 0.3 < math.log2(errors[0] / errors[1]) < order + 0.6


@pytest.mark.parametrize("solver", ["ddim", "heun", "dpmpp-2m", "unipc-3"])
def test_the_map_is_that_of_the_solver_itself(solver):
    # on a Gaussian a solver is affine: its own slopes, one coordinate at a time, are those of the image's density
    sde = zoo.VP()
    model = zoo.Gaussian([0.5, -1.0], [0.3, 2.0], sde)
    x = drawn(model, 3)
    ends = [zoo.encode(model, x + step, solver, steps=4).x for step in (0.0, 1.0)]
    end, slopes = ends[0], ends[1] - ends[0]
    std = sde.prior_std(sde.t_max)
    by_hand = (-0.5 * (end / std) ** 2 - math.log(std * math.sqrt(2 * math.pi)) + slopes.log()).sum(1)
    found = zoo.log_likelihood(model, x, solver, steps=4, start="prior")
    assert torch.allclose(found.log_p, by_hand, rtol=1e-11)


def test_64_coordinates_by_the_map():
    model = zoo.Gaussian(torch.linspace(-1, 1, 64).view(1, 8, 8), 0.5, zoo.VP())
    x = drawn(model, 2)
    slope = (zoo.encode(model, x + 1, "ddim", steps=3).x - zoo.encode(model, x, "ddim", steps=3).x).log()
    found = zoo.log_likelihood(model, x, "ddim", steps=3, time_error=False)
    assert torch.allclose(found.change, slope.flatten(1).sum(1), rtol=1e-11)
    assert (found.dim, found.nfe) == (64, 64 * 3)
    assert torch.allclose(found.bits, -found.log_p / (64 * math.log(2)))


def test_the_divergence_is_the_trace_of_the_jacobian():
    model = zoo.model("mixture-5(dim=4)", sde=zoo.VE(sigma_min=0.05, sigma_max=20.0))
    point = model.sde.at(0.4)
    x = torch.tensor([[0.3, -1.0, 2.0, 0.5], [-2.0, 0.1, 0.4, 1.0]], dtype=torch.float64)
    probes = torch.tensor([[[1.0, -1.0, 1.0, 1.0]] * 2, [[1.0, 1.0, 1.0, -1.0]] * 2], dtype=torch.float64)
    full = Augmented(model)(torch.cat((x, x[:, :1]), 1), point).out
    some = Augmented(model, probes)(torch.cat((x, x[:, :2]), 1), point).out
    for i in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda y: model(y[None], point).flow[0], x[i])
        assert float(full[i, 4]) == pytest.approx(float(jacobian.trace()), rel=1e-10)
        for j in range(2):
            e = probes[j, i]
            assert float(some[i, 4 + j]) == pytest.approx(float(e @ jacobian @ e), rel=1e-10)
    assert torch.allclose(full[:, :4], model(x, point).flow, rtol=1e-14)


@pytest.mark.parametrize("probe", ["rademacher", "gaussian"])
def test_hutchinson_is_unbiased_and_knows_its_error(plane, probe):
    model, _ = plane
    x = drawn(model, 600)
    way = {"steps": 6, "method": "flow", "time_error": False}
    full = zoo.log_likelihood(model, x, "heun", **way)
    guess = zoo.log_likelihood(model, x, "heun", trace="hutchinson", probes=16, probe=probe, **way)
    gap = guess.log_p - full.log_p
    scatter = guess.trace_error
    assert abs(float(gap.sum() / scatter.square().sum().sqrt())) < 4
    assert float(gap.square().mean() / scatter.square().mean()) == pytest.approx(1, abs=0.2)
    assert bool(full.trace_error.eq(0).all())


def test_one_probe_has_no_error_of_its_own(line):
    model, x = line
    found = zoo.log_likelihood(model, x[:2], steps=2, trace="hutchinson", time_error=False)
    assert bool(found.trace_error.isnan().all())
    assert bool(found.time_error.isnan().all())


@pytest.mark.parametrize(("solver", "steps"), [("rk4", 20), ("rk4", 21), ("heun", 30), ("heun", 31)])
def test_the_error_of_the_steps_is_about_right(line, solver, steps):
    model, x = line
    found = zoo.log_likelihood(model, x, solver, steps=steps)
    truth = float((found.log_p - exact(model, x)).abs().mean())
    assert 0.5 < float(found.time_error.mean()) / truth < 5


def test_the_error_of_an_adaptive_solver_bounds_the_truth(line):
    model, x = line
    found = zoo.log_likelihood(model, x[:16], "adaptive-dopri5(rtol=1e-4, atol=1e-4)")
    assert float(found.time_error.mean()) > float((found.log_p - exact(model, x[:16])).abs().mean())


@pytest.mark.parametrize("solver", ["heun", "adaptive-dopri5(rtol=1e-2, atol=1e-2)"])
def test_a_sample_has_the_same_result_in_any_batch(plane, solver):
    model, x = plane
    steps = None if "adaptive" in solver else 3
    way = {"steps": steps, "trace": "hutchinson", "probes": 3, "probe": "gaussian", "seed": 5, "time_error": False}
    seen: list[tuple[int, int]] = []
    whole = zoo.log_likelihood(model, x, solver, **way)
    parts = zoo.log_likelihood(model, x, solver, chunk=3, progress=lambda *done: seen.append(done), **way)
    alone = zoo.log_likelihood(model, x[6:7], solver, first=6, **way)
    assert torch.equal(whole.log_p, parts.log_p)
    assert torch.equal(whole.log_p[6:7], alone.log_p)
    assert torch.equal(whole.trace_error[6:7], alone.trace_error)
    assert seen == [(3, 8), (6, 8), (8, 8)]
    assert not torch.equal(whole.log_p, zoo.log_likelihood(model, x, solver, **(way | {"seed": 6})).log_p)


@pytest.mark.parametrize("method", ["map", "flow"])
def test_conditions_follow_the_samples_and_none_is_made_up(method):
    inner = zoo.Gaussian([0.0, 0.0], 0.5, zoo.VP())
    model, x = Shifted(inner), drawn(inner, 4)
    way = {"steps": 6, "method": method, "time_error": False, "start": "prior"}
    plain = zoo.log_likelihood(inner, x, **way).log_p
    assert torch.allclose(zoo.log_likelihood(model, x, **way).log_p, plain, rtol=1e-12)
    labels = torch.tensor([0.0, 1.0, -1.0, 2.0], dtype=torch.float64)
    far = {"label": labels}
    moved = zoo.log_likelihood(model, x + labels[:, None], condition=far, **way).log_p
    again = zoo.log_likelihood(model, x + labels[:, None], condition=far, chunk=3, **way).log_p
    assert torch.allclose(moved, plain, atol=0.03)  # but for alpha_T label, which the prior does not know
    assert float((moved - plain).abs().max()) > 1e-8
    assert torch.equal(moved, again)


def test_a_map_that_folds_is_refused_and_its_flow_is_not():
    model = zoo.Mixture([1.0, 1.0], [[-2.0], [2.0]], 0.01, zoo.VE(sigma_min=0.1, sigma_max=10.0))
    x = torch.zeros(1, 1, dtype=torch.float64)
    with pytest.raises(zoo.IncompatibleError, match="folds at 1 of 1 samples"):
        zoo.log_likelihood(model, x, "ddim", steps=1)
    assert bool(zoo.log_likelihood(model, x, "ddim", steps=1, method="flow").log_p.isfinite().all())


class Opaque(torch.autograd.Function):
    """Without a forward derivative."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()


@pytest.mark.parametrize("method", ["map", "flow"])
def test_a_model_without_forward_derivatives_is_refused(method):
    model = zoo.FunctionModel(lambda x, t: Opaque.apply(x), zoo.VP(), prediction="eps", shape=(2,))
    with pytest.raises(zoo.IncompatibleError, match="no forward derivative"):
        zoo.log_likelihood(model, torch.ones(1, 2), steps=2, method=method)


@pytest.mark.parametrize(
    ("error", "words", "way"),
    [
        (zoo.OptionError, "trace = 'both' is not possible; it is exact or hutchinson", {"trace": "both"}),
        (zoo.OptionError, "probe = 'cauchy'", {"probe": "cauchy"}),
        (zoo.OptionError, "method = 'magic'", {"method": "magic"}),
        (zoo.OptionError, "start = 'noise'", {"start": "noise"}),
        (zoo.OptionError, "probes = 0", {"probes": 0}),
        (zoo.OptionError, "take method='flow'", {"trace": "hutchinson", "method": "map"}),
        (zoo.OptionError, "steps or nfe, not both", {"steps": 4, "nfe": 4}),
        (zoo.IncompatibleError, "stochastic", {"solver": "ddpm"}),
        (zoo.IncompatibleError, "law is known", {"start": "exact", "condition": {"label": 1}}),
        (zoo.ModelError, "shape", {"x": torch.zeros(3, 5)}),
        (zoo.ModelError, "not finite", {"x": torch.full((3, 1), math.inf)}),
        (zoo.OptionError, "n >= 1", {"x": torch.zeros(0, 1)}),
    ],
)
def test_what_is_impossible_is_refused(line, error, words, way):
    model, x = line
    with pytest.raises(error, match=words):
        zoo.log_likelihood(model, **({"x": x} | way))
