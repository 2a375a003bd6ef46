"""Analytic models: against 40-digit arithmetic, against each other, and the same bits in any batch."""

from __future__ import annotations

import math
import subprocess
import sys
from types import SimpleNamespace

import mpmath
import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.score_models.conditions import Conditions
from solvers_zoo.score_models.targets.digits import load_digits

F64 = torch.float64
DIAGONAL = [[0.09, 0.2, 0.05], [0.25, 0.01, 0.3], [0.4, 0.1, 0.15]]
MEANS = [[-1.0, 0.5, 2.0], [1.2, -0.4, 0.0], [0.3, 0.1, -1.5]]
WEIGHTS = [0.3, 0.5, 0.2]
TURN = torch.linalg.qr(torch.arange(9, dtype=F64).view(3, 3).sin() + torch.eye(3)).Q
FULL = torch.stack([TURN @ torch.diag(torch.tensor(v, dtype=F64)) @ TURN.mT for v in DIAGONAL])
COVS = {"isotropic": [0.09, 0.25, 0.16], "points": 0.0, "diagonal": DIAGONAL, "full": FULL}
#: (process, time): the ends of the widest processes, a middle, and pure noise.
PLACES = [
    (zoo.EDM(), 0.002),
    (zoo.EDM(), 0.5),
    (zoo.EDM(), 80.0),
    (zoo.OU(), 1e-5),
    (zoo.OU(), 1.0),
    (zoo.OU(), 8.0),
    (zoo.sde("rectified-flow"), 1.0),
]


def at(model):
    return model.sde.at(0.5)


def exact_samples(model, point, n, dtype=F64, seed=3):
    return model.draw(point, zoo.SeededNoise(seed, range(n), model.shape, dtype).data())


def matrix(cov, size):
    """Any form of covariance as an mpmath matrix."""
    cov = torch.as_tensor(cov, dtype=F64)
    cov = cov * torch.eye(size, dtype=F64) if cov.dim() == 0 else torch.diag(cov) if cov.dim() == 1 else cov
    return mpmath.matrix(cov.tolist())


def by_mpmath(x, weights, means, covs, alpha, sigma):
    """E[X_0 | x] and log p(x) in 40 digits; also how far from 0 and 1 the responsibilities are decided."""
    with mpmath.workdps(40):
        size = len(means[0])
        x, alpha, sigma = mpmath.matrix(x.tolist()), mpmath.mpf(alpha), mpmath.mpf(sigma)
        logs, centers = [], []
        for w, m, cov in zip(weights, means, covs, strict=True):
            C, m = matrix(cov, size), mpmath.matrix(m)
            S = alpha**2 * C + sigma**2 * mpmath.eye(size)
            away = x - alpha * m
            solved = mpmath.lu_solve(S, away)
            quad = sum(away[i] * solved[i] for i in range(size))
            logs.append(mpmath.log(w) - (quad + mpmath.log(mpmath.det(S)) + size * mpmath.log(2 * mpmath.pi)) / 2)
            centers.append(m + alpha * (C * solved))
        top = max(logs)
        total = sum(mpmath.exp(v - top) for v in logs)
        x0 = sum((c * (mpmath.exp(v - top) / total) for c, v in zip(centers, logs, strict=True)), mpmath.zeros(size, 1))
        return torch.tensor([float(v) for v in x0], dtype=F64), float(top + mpmath.log(total))


def per_mode(covs):
    return [covs] * 3 if isinstance(covs, float) else list(covs)


@pytest.mark.parametrize("kind", COVS)
@pytest.mark.parametrize(("sde", "t"), PLACES, ids=lambda v: str(v))
def test_mixture_against_mpmath(kind, sde, t):
    model, point = zoo.Mixture(WEIGHTS, MEANS, COVS[kind], sde), sde.at(t)
    # a rounded x moves the difference x - alpha m by eps |x|, and the logarithm by that times |x - alpha m| / S
    for dtype, eps in ((F64, 2e-15), (torch.float32, 1e-6)):
        x = exact_samples(model, point, 4, dtype)
        x = torch.cat((x, x[:1] + 0.1))
        x0, logs = model(x, point).x0, model.log_density(x, point)
        assert x0.dtype is dtype
        assert logs.dtype is dtype
        for i, row in enumerate(x.double()):
            true, log = by_mpmath(row, WEIGHTS, MEANS, per_mode(COVS[kind]), point.alpha, point.sigma)
            slack = 3 + row.abs().max() * (row.abs().max() + 2) / (point.sigma**2 + 0.01)
            assert torch.allclose(x0[i].double(), true, rtol=0, atol=float(eps * slack))
            slack = 3 + abs(log) + row.abs().max() * (0.1 + 6 * point.sigma) / point.sigma**2
            assert abs(float(logs[i]) - log) <= eps * slack


@pytest.mark.parametrize("cov", [0.3, [0.3, 0.01, 2.0], FULL[1]], ids=["scalar", "diagonal", "full"])
@pytest.mark.parametrize(("sde", "t"), PLACES, ids=lambda v: str(v))
def test_gaussian_against_mpmath(cov, sde, t):
    model, point = zoo.Gaussian([1.3, -0.7, 0.2], cov, sde), sde.at(t)
    for dtype, eps in ((F64, 2e-15), (torch.float32, 1e-6)):
        x = exact_samples(model, point, 4, dtype)
        for i, row in enumerate(x.double()):
            spread = torch.full((3,), cov, dtype=F64) if isinstance(cov, float) else cov
            true, log = by_mpmath(row, [1.0], [[1.3, -0.7, 0.2]], [spread], point.alpha, point.sigma)
            assert torch.allclose(model(x, point).x0[i].double(), true, rtol=0, atol=eps * float(3 + row.abs().max()))
            assert abs(float(model.log_density(x, point)[i]) - log) <= eps * (30 + 60 * float(row.abs().max()))


def models():
    sde = zoo.OU()
    data = torch.arange(60, dtype=F64).view(20, 3).sin()
    made = {f"mixture {kind}": zoo.Mixture(WEIGHTS, MEANS, COVS[kind], sde) for kind in COVS}
    made |= {
        "gaussian": zoo.Gaussian([1.0, 2.0, 3.0], [0.1, 0.2, 0.3], sde),
        "gaussian full": zoo.Gaussian([1.0, 2.0, 3.0], FULL[0], sde),
        "kernel": zoo.KernelMixture(data, 0.2, sde),
    }
    return made


@pytest.mark.parametrize("name", models())
def test_score_is_the_gradient_of_log_density(name):
    model = models()[name]
    x = exact_samples(model, at(model), 20).requires_grad_()
    (slope,) = torch.autograd.grad(model.log_density(x, at(model)).sum(), x)
    assert torch.allclose(model(x, at(model)).score, slope, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", models())
def test_draws_have_the_moments_of_the_law(name):
    model, n = models()[name], 40_000
    x = exact_samples(model, at(model), n)
    mean, cov = model.moments(at(model))
    assert torch.all(((x.mean(0) - mean) / (cov.diagonal() / n).sqrt()).abs() < 4.5)
    away = x - mean
    products = away[:, :, None] * away[:, None]
    z = (products.mean(0) - cov) / products.std(0) * math.sqrt(n)
    assert torch.all(z.abs() < 4.5)


@pytest.mark.parametrize("name", models())
def test_points_of_tensors_are_points_of_floats_row_by_row(name):
    model = models()[name]
    times = torch.linspace(0.05, 6.0, 9, dtype=F64)
    x = torch.linspace(-2, 2, 27, dtype=F64).view(9, 3)
    many = model.sde.at(times[:, None])
    single = torch.cat([model(x[i : i + 1], model.sde.at(float(t))).x0 for i, t in enumerate(times)])
    assert torch.allclose(model(x, many).x0, single, rtol=1e-13, atol=1e-13)
    single = torch.cat([model.log_density(x[i : i + 1], model.sde.at(float(t))) for i, t in enumerate(times)])
    assert torch.allclose(model.log_density(x, many), single, rtol=1e-12, atol=1e-12)
    drawn = model.draw(many, zoo.SeededNoise(0, range(9), (3,), F64).data())
    for i, t in enumerate(times):
        alone = model.draw(model.sde.at(float(t)), zoo.SeededNoise(0, [i], (3,), F64).data())
        assert torch.allclose(drawn[i : i + 1], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", COVS)
def test_posterior_has_the_mean_and_covariance_of_tweedie(kind):
    """E[X_0|x] is the x0 prediction and Cov[X_0|x] = sigma^2 / alpha d x0 / dx (second-order Tweedie)."""
    model = zoo.Mixture(WEIGHTS, MEANS, COVS[kind], zoo.OU())
    point = at(model)
    x = exact_samples(model, point, 6)
    weights, means, covs = model.posterior(x, point)
    mean = (weights[..., None] * means).sum(1)
    assert torch.allclose(mean, model(x, point).x0, atol=1e-13)
    spread = {1: lambda: covs[:, None, None] * torch.eye(3), 2: lambda: torch.diag_embed(covs), 3: lambda: covs}[
        covs.dim()
    ]()
    away = means - mean[:, None]
    cov = torch.einsum("bk,bkd,bke->bde", weights, away, away) + torch.einsum("bk,kde->bde", weights, spread)
    slope = torch.stack([torch.autograd.functional.jacobian(lambda y: model(y[None], point).x0[0], row) for row in x])
    assert torch.allclose(cov, point.sigma**2 / point.alpha * slope, atol=1e-12)


def test_posterior_at_points_of_tensors():
    model = zoo.Mixture(WEIGHTS, MEANS, FULL, zoo.OU())
    times = torch.tensor([0.1, 1.0], dtype=F64)
    x = torch.ones(2, 3, dtype=F64)
    many = model.posterior(x, model.sde.at(times[:, None]))
    for i, t in enumerate(times.tolist()):
        one = model.posterior(x[i : i + 1], model.sde.at(t))
        assert torch.allclose(many.weights[i], one.weights[0])
        assert torch.allclose(many.means[i], one.means[0])
        assert torch.allclose(many.covs[i], one.covs)


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("dim", [1, 2, 3, 8, 16])
def test_same_bits_in_any_batch(dim, dtype):
    sde = zoo.OU()
    means = torch.arange(7 * dim, dtype=F64).view(7, dim).cos() * 2
    spread = means.sin().square() + 0.01
    made = [
        zoo.Mixture(torch.arange(1.0, 8.0), means, spread[:, 0], sde),
        zoo.Mixture(torch.arange(1.0, 8.0), means, spread, sde),
        zoo.Mixture(torch.arange(1.0, 4.0), means[:3], 0.1, sde),
        zoo.Gaussian(means[0], 0.3, sde),
        zoo.Gaussian(means[0], spread[0], sde),
    ]
    x = torch.sin(torch.arange(64 * dim, dtype=F64) * 1.7).view(64, dim).to(dtype) * 3
    times = torch.linspace(0.01, 5, 64, dtype=F64)
    for model in made:
        for point, part in (
            (sde.at(0.3), lambda rows: sde.at(0.3)),
            (sde.at(times[:, None]), lambda rows: sde.at(times[rows, None])),
        ):
            whole = model(x, point).x0, model.log_density(x, point), model.draw(point, _draws(range(64), dim, dtype))
            for batch in (1, 2, 3, 7):
                for start in range(0, 64 - batch, 5):
                    rows = slice(start, start + batch)
                    near = part(rows)
                    assert torch.equal(model(x[rows], near).x0, whole[0][rows])
                    assert torch.equal(model.log_density(x[rows], near), whole[1][rows])
                    assert torch.equal(model.draw(near, _draws(range(64)[rows], dim, dtype)), whole[2][rows])


def _draws(samples, dim, dtype):
    return zoo.SeededNoise(5, samples, (dim,), dtype).data()


def test_blocks_of_work_do_not_show():
    model = zoo.model("ring")
    x = exact_samples(model, at(model), 20_000, torch.float32)
    whole = model(x, at(model)).x0
    assert torch.equal(whole[9000:9064], model(x[9000:9064], at(model)).x0)
    full = zoo.model("mixture-5", dim=32)
    x = exact_samples(full, at(full), 3000)
    assert torch.allclose(full(x, at(full)).x0[2000:2100], full(x[2000:2100], at(full)).x0, atol=1e-13)


@pytest.mark.parametrize("shape", [(5,), (1, 4, 4)])
@pytest.mark.parametrize("sde", [zoo.EDM(), zoo.OU()], ids=str)
def test_kernel_mixture_is_a_mixture(sde, shape):
    data = torch.arange(40 * math.prod(shape), dtype=F64).view(40, *shape).mul(0.7).sin()
    kernel, mixture = zoo.KernelMixture(data, 0.3, sde), zoo.Mixture([1.0] * 40, data, 0.09, sde)
    for t in (0.05, 1.0, sde.t_max):
        point = sde.at(t)
        x = exact_samples(kernel, point, 300)
        assert torch.allclose(kernel(x, point).x0, mixture(x, point).x0, atol=1e-12)
        assert torch.allclose(kernel.log_density(x, point), mixture.log_density(x, point), atol=1e-10)
        assert torch.allclose(kernel(x.float(), point).x0, mixture(x, point).x0.float(), atol=2e-4)
        for a, b in zip(kernel.moments(point), mixture.moments(point), strict=True):
            assert torch.allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("name", models())
def test_where_alpha_is_zero_the_data_mean_is_predicted(name):
    model = models()[name].on(zoo.sde("rectified-flow"))
    x = torch.ones(2, 3, dtype=F64)
    assert torch.allclose(model(x, model.sde.at(1.0)).x0, model.mean.expand(2, 3), atol=1e-14)


@pytest.mark.parametrize("name", models())
def test_half_precision_in_half_precision_out(name):
    model = models()[name]
    x = exact_samples(model, at(model), 8)
    for dtype, eps in ((torch.float16, 2e-3), (torch.bfloat16, 2e-2)):
        y = x.to(dtype)
        out = model(y, at(model)).x0
        assert out.dtype is dtype
        assert torch.allclose(out.double(), model(y.double(), at(model)).x0, atol=3 * eps)


@pytest.mark.parametrize("form", ["constant", "linear", "sinusoidal"])
@pytest.mark.parametrize("kind", ["x0", "eps", "score", "v", "flow"])
def test_score_error_is_what_it_says(form, kind):
    exact = zoo.Mixture(WEIGHTS, MEANS, DIAGONAL, zoo.OU())
    model = zoo.FunctionModel(lambda x, t: getattr(exact(x, exact.sde.at(t[:, None])), kind), exact.sde, kind)
    model.mean = exact.mean
    x = torch.linspace(-2, 2, 12, dtype=F64).view(4, 3)
    point = at(exact)
    error = {"constant": 1 + 0 * x, "linear": x - exact.mean, "sinusoidal": x.sin() * (x - exact.mean)}[form]
    got = zoo.ScoreError(model, 0.3, form)(x, point).score
    assert torch.allclose(got, exact(x, point).score + 0.3 / math.sqrt(3) * error, atol=1e-12)
    many = exact.sde.at(torch.linspace(0.1, 2, 4, dtype=F64)[:, None])
    got = zoo.ScoreError(model, 0.3, form)(x, many).score
    assert torch.allclose(got, exact(x, many).score + 0.3 / math.sqrt(3) * error, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda sde: zoo.Mixture([1, -1], [[0.0], [1.0]], 1.0, sde), "positive"),
        (lambda sde: zoo.Mixture([1, 1], [[0.0]], 1.0, sde), "K positive weights"),
        (lambda sde: zoo.Mixture([1, 1], [[0.0], [1.0]], [1.0, 1.0, 1.0], sde), "covs has shape"),
        (lambda sde: zoo.Mixture([1, 1], [[0.0], [1.0]], [-1.0, 1.0], sde), "negative variance"),
        (lambda sde: zoo.Mixture([1], [[0.0, 1.0]], [[[1.0, 0.5], [0.0, 1.0]]], sde), "not symmetric"),
        (lambda sde: zoo.Mixture([1], [[0.0, 1.0]], [[[1.0, 2.0], [2.0, 1.0]]], sde), "negative eigenvalue"),
        (lambda sde: zoo.Gaussian([0.0, math.nan], 1.0, sde), "not finite"),
        (lambda sde: zoo.Gaussian([0.0, 1.0], [1.0, 1.0, 1.0], sde), "cov has shape"),
        (lambda sde: zoo.Gaussian([0.0, 1.0], -1.0, sde), "negative variance"),
        (lambda sde: zoo.Gaussian("abc", 1.0, sde), "not an array"),
        (lambda sde: zoo.KernelMixture([[0.0]], -0.1, sde), "bandwidth"),
        (lambda sde: zoo.ScoreError(zoo.Gaussian([0.0], 1.0, sde), 0.1, "cubic"), "constant, linear"),
    ],
)
def test_impossible_parameters_are_refused(make, words):
    with pytest.raises(zoo.OptionError, match=words):
        make(zoo.OU())


def test_score_error_refuses_pure_noise():
    model = zoo.ScoreError(zoo.Gaussian([0.0], 1.0, zoo.sde("rectified-flow")), 0.1)
    with pytest.raises(zoo.DomainError, match="alpha = 0"):
        model(torch.ones(1, 1), model.sde.at(1.0))


def test_parameters_are_never_changed_or_shared():
    means = torch.zeros(1, 2, dtype=F64)
    model = zoo.Mixture([1.0], means, 1.0, zoo.EDM())
    x = torch.ones(3, 2, dtype=F64)
    before = model(x, at(model)).x0
    assert torch.equal(x, torch.ones(3, 2, dtype=F64))
    assert torch.equal(model(x, at(model)).x0, before)


# -- ready-made targets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("card", [card for card in zoo.models() if card.exact], ids=lambda card: card.name)
def test_every_target_builds_draws_and_predicts(card):
    model = zoo.model(card.name)
    for t in (model.sde.t_min, model.sde.t_max):
        point = model.sde.at(t)
        x = exact_samples(model, point, 5, torch.float32)
        assert x.shape == (5, *model.shape)
        assert torch.isfinite(model(x, point).x0).all()
        assert torch.isfinite(model.log_density(x, point)).all()
    assert zoo.model(card.name, sde="vp").sde == zoo.sde("vp")


def test_mixture_5_in_fewer_dimensions_is_a_marginal():
    large, small = zoo.model("mixture-5", dim=128), zoo.model("mixture-5", dim=32)
    assert torch.equal(large.means[:, :32], small.means)
    for a, b in zip(large.moments(at(large)), small.moments(at(small)), strict=True):
        assert torch.allclose(a[:32] if a.dim() == 1 else a[:32, :32], b, atol=1e-13)
    assert torch.allclose(small.weights, torch.tensor([0.192, 0.216, 0.328, 0.070, 0.194], dtype=F64))
    # C_k = (W'W / 128 + I) / 8: eigenvalues between 1/8 and (1 + 4) / 8, by Marchenko and Pastur, with trace near d / 4
    assert large.variances.min() > 0.125
    assert large.variances.max() < 0.65
    assert abs(large.variances.mean() - 0.25) < 0.005
    assert not torch.equal(zoo.model("mixture-5", seed=1).means, zoo.model("mixture-5").means)


def test_bimodal_points_are_the_bimodal_mixture_at_sigma_one():
    points, mixture = zoo.model("bimodal-points"), zoo.model("bimodal")
    x = torch.linspace(-8, 8, 20, dtype=F64).view(10, 2)
    last = points.sde.at(points.sde.t_min)
    assert last.sigma == pytest.approx(1.0)
    clean = SimpleNamespace(alpha=1.0, sigma=0.0)
    assert torch.allclose(points.log_density(x, last), mixture.log_density(x, clean), atol=1e-12)


def test_digits_are_the_digits():
    images, labels = load_digits()
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max()) == (-1.0, 1.0)
    assert torch.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    model = zoo.model("digits")
    noisy = images[:50] + 0.3 * torch.sin(torch.arange(50 * 64, dtype=F64)).view(50, 1, 8, 8)
    assert (model(noisy, model.sde.at(0.3)).x0 - images[:50]).abs().mean() < 0.1


def test_listing_targets_imports_no_torch():
    code = "import sys, solvers_zoo as zoo; zoo.models(); print('torch' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_conditions_follow_the_samples_by_their_rows():
    given = {"rows": torch.arange(3), "one": torch.tensor(3), "two": torch.zeros(2), "word": "abc", "flags": [1, 2, 3]}
    conditions = Conditions(given, 3)
    assert conditions.rows == {"rows"}
    taken = conditions.of(lambda value: value[1:])
    assert taken.pop("rows").tolist() == [1, 2]
    assert taken == {name: value for name, value in given.items() if name != "rows"}
    assert Conditions(None, 3).of(lambda value: value[1:], torch.device("cpu")) == {}
