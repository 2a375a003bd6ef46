"""Predictor-corrector: the algorithm as printed, its cost, its bias, and what a corrector buys."""

from __future__ import annotations

import pytest
import torch

import solvers_zoo as zoo

EDM = zoo.EDM(sigma_min=0.02, sigma_max=10.0)
OU = zoo.OU(t_min=0.02, t_max=3.0)
X = torch.linspace(-3, 3, 12, dtype=torch.float64).reshape(6, 2)


def target(sde, dim=2):
    return zoo.Gaussian(mean=[1.3] * dim, cov=0.25, sde=sde)


def run(spec, sde=EDM, steps=8, x=X, seed=0, **more):
    return zoo.sample(target(sde, x.shape[1]), spec, steps=steps, grid="karras", x=x, seed=seed, **more)


NAMES = ["predictor-corrector", "predictor-corrector-batch-mean"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("predictor", ["reverse-diffusion", "ddpm", "heun", "ddim:eta=0.5", "euler-maruyama"])
def test_without_corrector_steps_it_is_the_predictor(name, predictor):
    solver = zoo.solver(name, predictor=predictor, n_steps=0)
    inner = solver.predictor
    for first in (False, True):
        assert torch.equal(run(solver.replace(corrector_first=first)).x, run(inner).x)
    facts, own = solver.facts(), inner.facts()
    assert (facts.order, facts.weak_order, facts.stochastic) == (own.order, own.weak_order, own.stochastic)
    assert facts.batch_coupled is False
    assert solver.nfe(8) == inner.nfe(8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("predictor", "each"), [("reverse-diffusion", 1), ("heun", 2), ("dpm-solver-3", None)])
@pytest.mark.parametrize("n_steps", [1, 3])
def test_cost_is_exact(name, predictor, each, n_steps):
    solver = zoo.solver(name, predictor=predictor, n_steps=n_steps)
    for steps in (1, 2, 5):
        result = run(solver, steps=steps)
        assert result.nfe == solver.nfe(steps) == solver.predictor.nfe(steps) + n_steps * steps
    if each is not None:
        assert solver.facts().evaluations == each + n_steps


def by_hand(x, points, seed, sde, snr, mean_norms=False, first=False):
    """Algorithms 2 to 5, written out for one step."""
    t, s = points
    draws = zoo.SeededNoise(seed, range(len(x)), (2,), torch.float64).at(0)
    model = target(sde)

    def correct(x, point):
        g, z = model(x, point).score, draws.fresh()
        zz, gg = z.norm(dim=1, keepdim=True), g.norm(dim=1, keepdim=True)
        ratio = zz.mean() / gg.mean() if mean_norms else (zz / gg).clamp(max=point.sigma)
        eps = 2 * (t.alpha / s.alpha) ** 2 * (snr * ratio) ** 2
        return x + eps * g + (2 * eps).sqrt() * z

    def predict(x):
        b = t.alpha / s.alpha
        G2 = t.sigma**2 - b**2 * s.sigma**2
        return (2 - b) * x + G2 * model(x, t).score + G2**0.5 * draws.between(t, s)

    return predict(correct(x, t)) if first else correct(predict(x), s)


@pytest.mark.parametrize("sde", [EDM, OU], ids=str)
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_one_step_by_hand(sde, first, name):
    times = [2.0, 0.7]
    got = zoo.sample(target(sde), zoo.solver(name, snr=0.3, corrector_first=first), grid=times, x=X, seed=4).x
    points = [sde.at(t) for t in times]
    assert torch.allclose(got, by_hand(X, points, 4, sde, 0.3, "batch" in name, first), rtol=1e-11, atol=1e-12)


def test_samples_are_their_own_but_for_the_batch_mean():
    alone = {name: torch.cat([run(name, x=X[:1]).x]) for name in NAMES}
    assert torch.equal(alone[NAMES[0]], run(NAMES[0]).x[:1])
    assert (alone[NAMES[1]] - run(NAMES[1]).x[:1]).abs().max() > 1e-3
    assert [zoo.solver(name).facts().batch_coupled for name in NAMES] == [False, True]


def test_a_vanishing_score_does_no_harm():
    """At the top of a mode |g| = 0, and the printed step has no bound."""
    model = zoo.Gaussian(mean=[0.0, 0.0], cov=0.25, sde=EDM)
    x = zoo.sample(
        model, "predictor-corrector:predictor=ddim", grid=[1.0, 0.9], x=torch.zeros(1, 2, dtype=torch.float64), seed=0
    ).x
    eps = 2 * 0.16**2 * 0.9**2
    z = zoo.SeededNoise(0, range(1), (2,), torch.float64).at(0).fresh()
    assert torch.allclose(x, (2 * eps) ** 0.5 * z)


def variance_ratio(spec, steps, dim, n, sde=EDM):
    model, first, last = target(sde, dim), sde.at(sde.t_max), sde.at(sde.t_min)
    x = model.draw(first, zoo.SeededNoise(1, range(n), (dim,), torch.float64).data())
    end = zoo.sample(model, spec, steps=steps, grid="karras", x=x, seed=2).x
    return float((end - last.alpha * 1.3).square().mean()) / (last.alpha**2 * 0.25 + last.sigma**2)


@pytest.mark.parametrize("sde", [EDM, OU], ids=str)
def test_a_corrector_helps_at_equal_steps(sde):
    """The direction of Song et al.'s Table 1, on a Gaussian in 32 dimensions: the variance is nearer to the exact one."""
    ratios = {spec: variance_ratio(spec, 20, 32, 1500, sde) for spec in ("reverse-diffusion", *NAMES)}
    spread = 4 * (2 / (1500 * 32)) ** 0.5
    assert ratios["reverse-diffusion"] > 1.2
    for name in NAMES:
        assert 1 < ratios[name] < ratios["reverse-diffusion"] - spread


def test_bias_is_the_declared_one():
    """With many steps only the corrector's bias is left: 1/(1 - snr^2) for mean norms, at most that for a sample's own."""
    snr, dim, n = 0.3, 64, 150
    spread = 4 * (2 / (n * dim)) ** 0.5
    mean = variance_ratio(f"predictor-corrector-batch-mean:snr={snr}", 300, dim, n)
    assert mean == pytest.approx(1 / (1 - snr**2), abs=spread)
    own = variance_ratio(f"predictor-corrector:snr={snr}", 300, dim, n)
    assert 1 - spread < own < 1 / (1 - snr**2) + spread
    for name in NAMES:
        assert "variance" in zoo.solver(name).facts().bias


@pytest.mark.parametrize("predictor", ["dpmpp-2m", "langevin", "torchdiffeq-dopri5"])
def test_predictors_that_cannot_be(predictor):
    with pytest.raises(zoo.OptionError, match="one-step"):
        zoo.solver("predictor-corrector", predictor=predictor)


def test_specification_and_needs():
    solver = zoo.registry.default().make("solver", "pc(predictor=ddim(eta=0.5), snr=0.2)")
    assert str(solver) == "predictor-corrector(predictor=ddim(eta=0.5), snr=0.2)"
    assert str(zoo.solver("predictor-corrector")) == "predictor-corrector"
    assert "finite-diffusion" in zoo.solver("predictor-corrector", predictor="euler-maruyama").facts().needs


def test_alpha_zero_at_the_start():
    sde = zoo.sde("rectified-flow")
    times = [1 - i / 60 * 0.95 for i in range(61)]
    for first in (False, True):
        spec = zoo.solver("predictor-corrector", corrector_first=first)
        x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        end = zoo.sample(zoo.Gaussian(mean=[1.3] * 8, cov=0.25, sde=sde), spec, grid=times, x=x, seed=0).x
        assert float(end.mean()) == pytest.approx(0.95 * 1.3, abs=0.15)


def test_points_of_a_sample_each():
    model, solver = target(OU), zoo.solver("predictor-corrector")
    a, b = torch.tensor([[2.0], [1.0]], dtype=torch.float64), torch.tensor([[1.5], [0.2]], dtype=torch.float64)
    x = X[:2]

    def step(x, t, s, rows):
        grid = zoo.Grid(OU, [OU.at(t), OU.at(s)])
        noise = zoo.SeededNoise(0, rows, (2,), torch.float64)
        return solver.step(model, x, zoo.Interval(*grid.points, solver.plan(grid)[0]), None, noise.at(0)).x

    together = step(x, a, b, [0, 1])
    for i in range(2):
        assert torch.allclose(step(x[i : i + 1], float(a[i]), float(b[i]), [i]), together[i : i + 1], rtol=1e-12)
