"""Methods for inverse problems: their formulas, their measured error against the exact posterior, and how they run."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from needs import needs
from problem import METHODS, OPERATOR, SDE, STD, Y, errors, mixture

import solvers_zoo as zoo

PAGE = Path(__file__).parents[2] / "docs" / "inverse-problems.md"
GRADIENTS = {
    "DPS": lambda model, A, y: zoo.DPS(model, A, y, 0.5),
    "DPS, normalised": lambda model, A, y: zoo.DPS(model, A, y, normalised=True),
    "PiGDM": lambda model, A, y: zoo.PiGDM(model, A, y, 0.2),
    "MMPS": lambda model, A, y: zoo.MMPS(model, A, y, 0.2),
}
WRAPPERS = {**GRADIENTS, "DDNM": lambda model, A, y: zoo.DDNM(model, A, y, 0.2)}
SOLVERS = ("projection(ddpm)", "repaint(ddpm, jump_length=2)", "inpainting-langevin", "ddrm")


def gap(a, b):
    return float((a - b).detach().abs().max())


def states(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def printed():
    """The page's table: {method: three errors}."""
    rows = re.findall(r"^\| `?([^|`]+?)`? \| [^|]* \| ([.\d]+) \| ([.\d]+) \| ([.\d]+) \|", PAGE.read_text(), re.M)
    return {name: tuple(map(float, values)) for name, *values in rows}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.slow
def test_the_error_is_the_one_on_the_page(name):
    """Within a tenth and the floor's own size, both ways: a better method is news too."""
    assert errors(name) == pytest.approx(printed()[name], rel=0.1, abs=0.008)


@pytest.mark.parametrize(
    "name", ["DPS", "PiGDM", "MMPS", "DDNM", "ddrm", "projection(ddpm)", "repaint(ddpm)", "inpainting-langevin"]
)
def test_the_error_is_in_the_docstring(name):
    mean, cov, sliced = printed()[name]
    text = " ".join((getattr(zoo, name) if name[0].isupper() else zoo.solver(name)).__doc__.split())
    assert f"its mean is {mean:.2f} off, its covariance {cov:.2f} and its sliced W1 {sliced:.2f}" in text


@torch.no_grad()
def test_the_gradients_are_those_of_the_papers():
    """The score is moved by the gradient of log N(y; A x0(x), ...), with x0 in the covariance held fixed."""
    model, x = mixture(), states(6, 4)
    point = SDE.at_rho(0.8)

    def gradient(weight):
        with torch.enable_grad():
            leaf = x.clone().requires_grad_()
            away = Y - OPERATOR(model(leaf, point).x0)
            return torch.autograd.grad(-0.5 * (away * (away @ weight(away))).sum(), leaf)[0]

    eye, spread = torch.eye(2, dtype=torch.float64), OPERATOR.dense() @ OPERATOR.dense().mT
    level = point.sigma**2 / (point.alpha**2 + point.sigma**2)
    weights = {
        zoo.DPS(model, OPERATOR, Y, STD): lambda away: eye / STD**2,
        zoo.DPS(model, OPERATOR, Y, STD, scale=0.5): lambda away: 0.5 * eye / STD**2,
        zoo.PiGDM(model, OPERATOR, Y, STD): lambda away: torch.linalg.inv(STD**2 * eye + level * spread),
    }
    for guided, weight in weights.items():
        assert gap(guided(x, point).score, model(x, point).score + gradient(weight)) < 1e-11
    with torch.enable_grad():
        leaf = x.clone().requires_grad_()
        distance = (Y - OPERATOR(model(leaf, point).x0)).norm(dim=1).sum()
        due = model(x, point).score - 0.7 * torch.autograd.grad(distance, leaf)[0]
    assert gap(zoo.DPS(model, OPERATOR, Y, scale=0.7, normalised=True)(x, point).score, due.detach()) < 1e-11


@needs("azula")
@torch.no_grad()
@pytest.mark.parametrize("iterations", [1, 2])
def test_mmps_is_azulas(iterations):
    """The same x0 as in the authors' own library."""
    import azula.guidance as azula
    from azula.denoise import Denoiser, DiracPosterior
    from azula.linalg.covariance import IsotropicCovariance

    model, x, point = mixture(), states(6, 4), SDE.at_rho(0.8)
    level = torch.tensor([point.alpha, point.sigma, STD**2], dtype=torch.float64)

    class Theirs(Denoiser):
        schedule = staticmethod(lambda t: (level[0], level[1]))

        def forward(self, x, t):
            return DiracPosterior(mean=model(x, point).x0)

    theirs = azula.MMPSDenoiser(
        Theirs(), Y.expand(6, 2), lambda v: v @ OPERATOR.dense().mT, IsotropicCovariance(level[2]), "cg", iterations
    )
    due = theirs(x, torch.tensor(0.5)).mean
    assert gap(zoo.MMPS(model, OPERATOR, Y, STD, iterations)(x, point).x0, due) < 1e-13


def test_ddnm_agrees_with_the_observation_and_leaves_the_rest():
    model, x, A = mixture(), states(6, 4), OPERATOR
    point = SDE.at_rho(0.8)
    x0, clean = model(x, point).x0, zoo.DDNM(model, A, Y)(x, point).x0
    assert gap(A(clean), Y.expand(6, 2)) < 1e-13
    assert gap(A.V_T(clean)[:, 2:], A.V_T(x0)[:, 2:]) < 1e-13
    assert gap(zoo.DDNM(model, A, Y, 1e-9)(x, point).x0, clean) < 1e-13
    low = SDE.at_rho(0.05)  # below the noise of y: lambda_i = s_i rho/noise
    x0, noisy = model(x, low).x0, zoo.DDNM(model, A, Y, STD)(x, low).x0
    moved = A.U_T(A(noisy) - A(x0)) / A.U_T(Y - A(x0))
    assert gap(moved, (A.singular * 0.05 / STD).expand(6, 2)) < 1e-12


def test_ddrm_takes_the_authors_step():
    """Their three cases, a coordinate at a time, in the variables x/alpha and sigma/alpha that they use."""
    A = zoo.Matrix(torch.diag(torch.tensor([2.0, 0.5, 0.0], dtype=torch.float64))[:2])
    model = zoo.Gaussian([0.1, 0.2, 0.3], [1.0, 0.5, 0.2], SDE)
    y, std, eta, eta_b = torch.tensor([0.4, -0.3], dtype=torch.float64), 0.3, 0.85, 0.9
    t, s = SDE.at_rho(2.0), SDE.at_rho(0.3)
    x, z = states(5, 3), states(5, 3, seed=1)

    solver, noise = zoo.solver(f"ddrm(eta={eta}, eta_b={eta_b})"), SimpleNamespace(fresh=lambda: z)
    got = solver.step(zoo.Observed(model, A, y, std), x, zoo.Interval(t, s), None, noise).x
    now = model(x, t)
    x0, eps, rho, z_V = A.V_T(now.x0), A.V_T(now.eps), 0.3, A.V_T(z)
    told, kept = A.U_T(y[None])[0] / A.singular, (1 - eta**2) ** 0.5
    due = torch.stack(
        [
            (1 - eta_b) * x0[:, 0] + eta_b * told[0] + (rho**2 - (eta_b * std / 2.0) ** 2) ** 0.5 * z_V[:, 0],
            x0[:, 1] + kept * rho * (told[1] - x0[:, 1]) / (std / 0.5) + eta * rho * z_V[:, 1],
            x0[:, 2] + kept * rho * eps[:, 2] + eta * rho * z_V[:, 2],
        ],
        1,
    )
    assert gap(got, s.alpha * A.V(due)) < 1e-13
    bare = [zoo.sample(model, name, steps=5, n=3, seed=1).x for name in ("ddim", "ddrm", "projection")]
    assert torch.equal(bare[0], bare[1])
    assert torch.equal(bare[0], bare[2])


def images():
    """Data of shape (1, 4, 4), an observation at half the resolution, and one for each of 6 samples."""
    model = zoo.Gaussian(torch.zeros(1, 4, 4), torch.linspace(0.2, 1.5, 16).reshape(1, 4, 4), SDE)
    A = zoo.Average((1, 4, 4), 2)
    return model, A, states(1, 2, 2), states(6, 1, 2, 2, seed=4)


@pytest.mark.parametrize("name", WRAPPERS)
def test_images_in_any_batch_with_one_observation_or_one_each(name):
    """Chunks, rows, per-sample times and float32 change nothing but rounding; a run's own observation is heard."""
    model, A, y, rows = images()
    build = WRAPPERS[name]
    many = zoo.sample(build(model, A, rows), "heun", steps=6, n=6, seed=3, dtype=torch.float64).x
    chunked = zoo.sample(build(model, A, rows), "heun", steps=6, n=6, seed=3, dtype=torch.float64, chunk=4).x
    assert gap(many, chunked) < 1e-12
    given = {"observation": rows}
    asked = zoo.sample(build(model, A, y), "heun", steps=6, n=6, seed=3, dtype=torch.float64, condition=given).x
    assert torch.equal(many, asked)
    one = zoo.sample(build(model, A, rows[2]), "heun", steps=6, n=6, seed=3, dtype=torch.float64).x
    assert gap(one[2], many[2]) < 1e-12
    assert gap(one[1], many[1]) > 1e-3
    single = zoo.sample(build(model, A, rows), "heun", steps=6, x=zoo.sample(model, "heun", steps=1, n=6).x.float()).x
    assert single.dtype is torch.float32
    times = torch.tensor([0.2, 0.5, 0.9, 0.2, 0.5, 0.9], dtype=torch.float64).reshape(6, 1, 1, 1)
    x = states(6, 1, 4, 4)
    with torch.no_grad():
        each = build(model, A, y)(x, SDE.at(times)).x0
        assert gap(each[1:2], build(model, A, y)(x[1:2], SDE.at(0.5)).x0) < 1e-12


@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_that_impose_run_on_images(solver):
    """What is seen without noise is met exactly at the end but for the end's own noise, in any chunks."""
    model, A, y, _ = images()
    seen = zoo.Observed(model, A, y)
    x = zoo.sample(seen, solver, steps=8, n=5, dtype=torch.float64).x
    assert gap(A(x), y.expand(5, 1, 2, 2)) < 4 * SDE.at(SDE.t_min).sigma
    assert gap(x, zoo.sample(seen, solver, steps=8, n=5, dtype=torch.float64, chunk=2).x) < 1e-12


def test_evaluations_are_counted():
    """A gradient through the model is one more."""
    model, A, y, _ = images()
    costs = {"DPS": 2, "DPS, normalised": 2, "PiGDM": 2, "MMPS": 5, "DDNM": 1}
    for name, cost in costs.items():
        assert zoo.sample(WRAPPERS[name](model, A, y), "euler", steps=3, n=2).nfe == 3 * cost
    assert zoo.MMPS(zoo.Guided(model, 2.0), A, y, 0.1, iterations=1).cost == 6
    assert zoo.sample(zoo.Observed(model, A, y), "ddrm", steps=3, n=2).nfe == 3


def test_a_run_can_be_differentiated():
    """With grad=True gradients go through the guidance: the slope of a sum of samples in the start, against a difference."""
    model = mixture()
    guided, start, way = zoo.PiGDM(model, OPERATOR, Y, STD), states(2, 4), states(2, 4, seed=1)

    def end(x, grad=False):
        return zoo.sample(guided, "euler", steps=3, x=x, grad=grad).x.sum()

    leaf = start.clone().requires_grad_()
    (slope,) = torch.autograd.grad(end(leaf, grad=True), leaf)
    due = (end(start + 1e-5 * way) - end(start - 1e-5 * way)) / 2e-5
    assert float((slope * way).sum()) == pytest.approx(float(due), rel=1e-6)


def test_where_alpha_is_0_nothing_is_moved():
    """There the state tells nothing, so no gradient is taken from it; the run goes on from pure noise."""
    model = mixture(zoo.RectifiedFlow())
    x = zoo.sample(zoo.MMPS(model, OPERATOR, Y, STD), "euler", grid=[1.0, 0.6, 0.2, 0.01], n=3, dtype=torch.float64).x
    assert bool(torch.isfinite(x).all())


def test_what_cannot_be_is_refused():
    model, A, y, rows = images()
    stuck = zoo.FunctionModel(lambda x, t: x.detach(), SDE, shape=(1, 4, 4))
    cases = [
        (lambda: zoo.DPS(model, A, y), "infinitely sharp"),
        (lambda: zoo.DDNM(model, zoo.FunctionOperator(A, A.shape, A.T), y), "singular values"),
        (lambda: zoo.PiGDM(model, A, y[0, 0]), "y has shape"),
        (lambda: zoo.PiGDM(model, zoo.Average((1, 2, 2), 2), [[[1.0]]]), "acts on shape"),
        (lambda: zoo.PiGDM(model, A, y, -1.0), "standard deviation"),
        (lambda: zoo.PiGDM(model, A, rows)(states(5, 1, 4, 4), SDE.at(0.5)), "a row each"),
        (lambda: zoo.sample(zoo.PiGDM(model, A, rows), steps=2, n=7), "no observation"),
        (lambda: zoo.sample(zoo.Observed(model, A, rows), "repaint", steps=4, n=6), "decomposed operator"),
        (lambda: zoo.sample(zoo.Observed(model, zoo.FunctionOperator(A, A.shape, A.T), y), "ddrm"), "singular values"),
        (lambda: zoo.solver("ddrm(langevin)"), "takes no steps"),
    ]
    for call, message in cases:
        with pytest.raises(zoo.OptionError, match=message):
            call()
    with pytest.raises(zoo.ModelError, match="no gradient"):
        zoo.sample(zoo.PiGDM(stuck, A, y), steps=2)
