"""Multistep and exponential solvers of the reverse SDE: agreement with k-diffusion, published formulas, identities."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from flow_cases import MEAN, VAR, gaussian, karras
from peer import MODEL, SDE, Written, assert_same, first_draw, grid, needs_peer, ours, start, theirs

import solvers_zoo as zoo
from solvers_zoo.numerics.interpolation import GAUSS

PROCESSES = [zoo.OU(), zoo.VP(), zoo.EDM(), zoo.Cosine(t_max=0.99), zoo.RectifiedFlow(t_max=0.99)]
on_every_process = pytest.mark.parametrize("sde", PROCESSES, ids=lambda sde: sde.card.name)


def integral(function, low, high, pieces=64):
    """By Gauss's rule on pieces: to rounding for what is smooth."""
    width = (high - low) / pieces
    return sum(w * width * function(low + (k + v) * width) for k in range(pieces) for v, w in GAUSS)


def cardinal(nodes, j, u):
    """The Lagrange polynomial of ``nodes`` that is 1 at node j, at u."""
    return math.prod((u - node) / (nodes[j] - node) for i, node in enumerate(nodes) if i != j)


@needs_peer
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("solver_type", ["midpoint", "heun"])
def test_2m_sde_agrees_with_k_diffusion(solver_type, eta):
    got = ours(f"dpmpp-2m-sde(eta={eta}, solver_type={solver_type})")
    assert_same(got, theirs("dpmpp_2m_sde", noise=first_draw, eta=eta, solver_type=solver_type))


@needs_peer
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_3m_sde_as_published_agrees_with_k_diffusion(eta):
    """The right one does not: its last weight is twice theirs."""
    there = theirs("dpmpp_3m_sde", noise=first_draw, eta=eta)
    assert_same(ours(f"dpmpp-3m-sde-published:eta={eta}"), there)
    assert float((ours(f"dpmpp-3m-sde:eta={eta}") - there).abs().max()) > 1e-4


@on_every_process
def test_identities(sde):
    """Without noise they are solvers of the flow, at first order DDIM and DDPM."""
    model, points = gaussian(sde), karras(sde, 9)
    x = points[0].sigma * start() / 20

    def run(solver):
        return zoo.sample(model, solver=solver, grid=points, x=x, seed=4).x

    pairs = [
        ("dpmpp-2m-sde:eta=0", "dpmpp-2m"),
        ("dpmpp-2m-sde(eta=0, solver_type=heun)", "res-2m"),
        ("sde-dpm-solver-2m:eta=0", "dpm-solver-2m"),
        ("dpmpp-3m-sde:eta=0", "dpmpp-3m"),
        ("seeds-2:eta=0", "dpmpp-2s"),
        ("seeds-3:eta=0", "dpmpp-3s"),
        ("sa-solver(tau=0, predictor=1, corrector=0)", "ddim"),
        ("sa-solver(tau=1, predictor=1, corrector=0)", "ddpm"),
        ("sa-solver:tau=0", "unipc(order=3, b=bh1)"),
        ("sa-solver(tau=0, predictor=2, corrector=3, simple=false)", "unipc(order=2, b=vary)"),
        ("sa-solver(tau=0.7, predictor=2, corrector=0, simple=false)", "dpmpp-2m-sde(eta=0.49, solver_type=heun)"),
        ("sa-solver(tau=0.7, predictor=3, corrector=0, simple=false)", "dpmpp-3m-sde(eta=0.49)"),
        ("er-sde-1(scale=reverse-sde)", "ddpm"),
        ("er-sde-1(scale=ode)", "ddim"),
    ]
    for one, other in pairs:
        assert_same(run(one), run(other), 1e-9)


@pytest.mark.parametrize("eta", [1.0, 0.4])
@pytest.mark.parametrize("solver_type", ["midpoint", "heun"])
def test_sde_dpm_solver_2m_as_written(solver_type, eta):
    """Lu et al.: x_s = a x_t - 2 sigma_s (e^h - 1) eps - slope + sigma_s sqrt(e^(2h) - 1) z, on VP; 1 + eta for their 2."""
    sde, rate = zoo.VP(t_min=0.01), 1 + eta
    points = zoo.Grid(sde, [0.9, 0.7, 0.45, 0.3, 0.1, 0.02])
    model, x, old, h_old = gaussian(sde, "eps"), start() / 20, None, None
    solver = f"sde-dpm-solver-2m(eta={eta}, solver_type={solver_type})"
    got = zoo.sample(model, solver, grid=points, x=x, noise=Written()).x
    for i, (t, s) in enumerate(points.intervals()):
        h, eps = s.lam - t.lam, model(x, t).eps
        new = s.alpha / t.alpha * x - rate * s.sigma * math.expm1(h) * eps
        if old is not None:
            slope = (eps - old) * h / h_old
            new -= rate * s.sigma * (math.expm1(h) / 2 if solver_type == "midpoint" else math.expm1(h) / h - 1) * slope
        x, old, h_old = new + s.sigma * math.sqrt(eta * math.expm1(2 * h)) * Written(i).fresh(), eps, h
    assert_same(got, x, 1e-11)


def adams(points, tau, predictor, corrector, pece):
    """SA-Solver with integrals by quadrature: x_s^p, then D there, then x_s^c with the same noise; k-diffusion's variables."""
    x, x_c, told = start(), start(), []
    previous = None
    for i, (t, s) in enumerate(points.intervals()):
        D = MODEL(x, t).x0
        if previous is not None and corrector:
            known = [(t.lam, D), *told[: corrector - 1]]
            x_c = previous(known)
            if pece:
                D = MODEL(x_c, t).x0
        else:
            x_c = x
        told.insert(0, (t.lam, D))
        level, z = tau(t), Written(i).fresh()

        def target(known, t=t, s=s, begin=x_c, level=level, z=z):
            h, rate = s.lam - t.lam, 1 + level**2
            new = s.sigma / t.sigma * math.exp(-(level**2) * h) * begin
            nodes = [lam for lam, _ in known]
            for j, (_, D_j) in enumerate(known):
                b = integral(
                    lambda u, j=j: rate * math.exp(-rate * (s.lam - u)) * cardinal(nodes, j, u), t.lam, s.lam, 8
                )
                new = new + b * D_j
            return new + s.sigma * math.sqrt(-math.expm1(-2 * level**2 * h)) * z

        x, previous = target(told[:predictor]), target
    if pece:
        D = MODEL(x, points[-1]).x0
        return previous([(points[-1].lam, D), *told[: corrector - 1]])
    return x


@pytest.mark.parametrize("pece", [False, True])
@pytest.mark.parametrize(("predictor", "corrector"), [(3, 4), (2, 2), (3, 2), (1, 3)])
def test_sa_solver_as_written(predictor, corrector, pece):
    """With tau on a range of sigma, predictor and corrector of different lengths; the last state is the predicted one."""
    words = f"tau=0.8, rho_min=0.2, rho_max=6, predictor={predictor}, corrector={corrector}, simple=false"
    got = ours(f"sa-solver{'-pece' if pece else ''}({words})")
    there = adams(grid(), lambda t: 0.8 if 0.2 <= t.rho <= 6 else 0.0, predictor, corrector, pece)
    assert_same(got, there, 1e-9)


def test_simple_weights_of_sa_solver():
    """Appendix D: the slope's weight is r h^2/2 for the predictor and r h/2 for the corrector, to second order exact."""
    from zoo_stochastic.sa_solver import SASolver

    a, t, s = SDE.at(2.0), SDE.at(1.5), SDE.at(1.2)
    simple, exact = SASolver(tau=0.6), SASolver(tau=0.6, simple=False)
    h, rate = s.lam - t.lam, 1 + 0.6**2
    for other, slope in ((a, rate * h * h / 2 / (a.lam - t.lam)), (s, rate * h / 2)):
        b = simple.integral([t, other] if other is a else [s, t], t, s)
        assert sum(b) == pytest.approx(-math.expm1(-rate * h), rel=1e-13)
        assert b[1 if other is a else 0] == pytest.approx(slope, rel=1e-13)
        assert b[0] == pytest.approx(exact.integral([t, other] if other is a else [s, t], t, s)[0], abs=h**2)


@pytest.mark.parametrize("scale", ["er-sde-5", "reverse-sde", "ode"])
@pytest.mark.parametrize("degree", [1, 2])
def test_er_sde_integrates_polynomials(degree, scale):
    """Where x0 is a polynomial in rho it is exact from the step on that has its points; as published at degree 1 only."""
    from zoo_stochastic.er_sde import SCALES

    sde = zoo.VP(t_min=0.01)
    points = zoo.Grid(sde, [0.6, 0.5, 0.35, 0.3])
    nodes = [points[2], points[1], points[0]][: degree + 1]
    s = points[3]

    def x0(rho):
        return 0.3 - 1.2 * rho + (0.7 * rho * rho if degree == 2 else 0.0)

    def phi(rho):
        return rho * SCALES[scale](rho)

    def derivative(rho, step=1e-5):
        return (phi(rho + step) - phi(rho - step)) / (2 * step)

    exact = phi(s.rho) * integral(lambda r: derivative(r) / phi(r) ** 2 * x0(r), s.rho, nodes[0].rho)
    held = (1 - phi(s.rho) / phi(nodes[0].rho)) * x0(nodes[0].rho)
    for name, right in ((f"er-sde-{degree + 1}", True), ("er-sde-3-published", degree == 1)):
        w = zoo.solver(name, scale=scale).weights(nodes, s, sde)
        got = held + sum(w_j * (x0(n.rho) - x0(nodes[0].rho)) for w_j, n in zip(w, nodes[1:], strict=False)) / s.alpha
        assert (abs(got - exact) < 1e-8) == right


def test_er_sde_3_as_published():
    """The authors' Taylor terms, their Riemann sums replaced by the integrals that they stand for."""
    points = grid(7)
    got, x, old, slope_old = ours("er-sde-3-published", points), start(), None, None

    def phi(rho):
        return rho * (math.exp(rho**0.3) + 10)

    for i, (t, s) in enumerate(points.intervals()):
        D, r, d = MODEL(x, t).x0, phi(s.t) / phi(t.t), s.t - t.t
        new = r * x + (1 - r) * D
        if i >= 1:
            slope = (D - old) / (t.t - points[i - 1].t)
            new = new + (d + phi(s.t) * integral(lambda u: 1 / phi(u), s.t, t.t, 256)) * slope
            if i >= 2:
                bend = 2 * (slope - slope_old) / (t.t - points[i - 2].t)
                term = integral(lambda u, t=t: (u - t.t) / phi(u), s.t, t.t, 256)
                new = new + (d * d / 2 + phi(s.t) * term) * bend
            slope_old = slope
        old = D
        x = new + math.sqrt(s.t**2 - r * r * t.t**2) * Written(i).fresh()
    assert_same(got, x, 1e-9)


class Given(zoo.Noise, zoo.Draws):
    """The draws of every step, in a list."""

    def __init__(self, steps, call=0):
        self.steps, self.call = steps, call

    def at(self, index):
        return Given(self.steps[index])

    def fresh(self):
        self.call += 1
        return self.steps[self.call - 1]

    def between(self, t, s, area=False):
        return self.fresh()

    def uniform(self):
        raise AssertionError("not asked for")


@pytest.mark.parametrize("eta", [0.5, 1.0])
@pytest.mark.parametrize("places", [(0.5,), (1 / 3, 2 / 3)])
def test_seeds_on_a_path(places, eta):
    """Noise made forwards, part by part as its authors have it, and drawn backwards as here: the same numbers."""
    sde, x = zoo.VP(t_min=0.01), start() / 20
    points = zoo.Grid(sde, [0.9, 0.6, 0.3, 0.05])
    model, given = gaussian(sde), []
    begin = x
    for i, (t, s) in enumerate(points.intervals()):
        ends = [t, *(sde.at_lam(t.lam + r * (s.lam - t.lam)) for r in places), s]
        N, noises, parts = 0.0, [], Written(i)
        for a, b in pairwise(ends):
            part = eta * (b.lam - a.lam)
            N = math.exp(-part) * N + math.sqrt(-math.expm1(-2 * part)) * parts.fresh()
            noises.append(N)
        told = [model(x, t).x0]

        def first_order(b, D, t=t, x=x):
            h = b.lam - t.lam
            return b.sigma / t.sigma * math.exp(-eta * h) * x - b.alpha * math.expm1(-(1 + eta) * h) * D

        def slope(b, r, t=t):  # of a line from t, at its value 1 at the fraction r
            h = b.lam - t.lam
            return integral(lambda v: (1 + eta) * math.exp(-(1 + eta) * (h - v)) * v / (r * h), 0.0, h, 8) * b.alpha

        for j, (b, N_b) in enumerate(zip(ends[1:], noises, strict=True)):
            new = first_order(b, told[0]) + b.sigma * N_b
            if j == 1 and len(places) == 1:
                new = new - b.alpha * math.expm1(-(1 + eta) * (b.lam - t.lam)) * (told[1] - told[0])  # 1/(2r) = 1
            elif j:
                reach = places[j - 1] / (places[j] if j < len(places) else 1.0)
                new = new + slope(b, reach) * (told[j] - told[0])
            if j < len(places):
                told.append(model(new, b).x0)
        units = [
            N_b / math.sqrt(-math.expm1(-2 * eta * (b.lam - t.lam))) for b, N_b in zip(ends[1:], noises, strict=True)
        ]
        draws = [units[-1]]
        for k in range(len(places) - 1, -1, -1):
            gone, left = 2 * eta * (ends[k + 1].lam - t.lam), 2 * eta * (ends[k + 2].lam - ends[k + 1].lam)
            c = math.exp(-left / 2) * math.sqrt(math.expm1(-gone) / math.expm1(-gone - left))
            draws.append((units[k] - c * units[k + 1]) / math.sqrt(1 - c * c))
        given.append(draws)
        x = new
    got = zoo.sample(model, f"seeds-{len(places) + 1}:eta={eta}", grid=points, x=begin, noise=Given(given)).x
    assert_same(got, x, 1e-9)


def test_seeds_bridge_correlates_as_the_path():
    """c is the correlation, and both coefficients keep their digits for small and for large steps."""
    from zoo_stochastic.seeds import SEEDS2

    solver = SEEDS2(eta=0.7)
    for h in (1e-7, 0.3, 30.0):
        t, m, s = (SDE.at_lam(-3.0 + v * h / 8) for v in (0.0, 0.25, 1.0))
        c, rest = solver._bridge(t, m, s)
        assert c * c + rest * rest == pytest.approx(1, rel=1e-12)
        if h < 1:
            assert c == pytest.approx(0.5, abs=0.05 * h + 1e-6)  # sqrt of the fraction, as for Brownian motion


@pytest.mark.parametrize(
    "name", ["dpmpp-2m-sde", "dpmpp-3m-sde", "sa-solver", "sa-solver-pece", "er-sde-1", "er-sde-3"]
)
def test_start_at_pure_noise(name):
    """alpha = 0 weighs nothing in the history, and the law is right from there on."""
    sde, n = zoo.RectifiedFlow(t_min=0.01), 4000
    points = zoo.Grid(sde, [1.0, *(0.98 * 0.94**i for i in range(62)), 0.02])
    x = zoo.sample(gaussian(sde, "flow"), solver=name, grid=points, n=n, seed=0, dtype=torch.float64).x
    exact = 0.98**2 * VAR + 0.02**2
    assert x.mean().item() == pytest.approx(0.98 * MEAN, abs=3 * math.sqrt(exact / (2 * n)) + 2e-3)
    assert x.var().item() == pytest.approx(exact, rel=3 * math.sqrt(1 / n) + (0.06 if name == "er-sde-1" else 0.03))


def test_facts():
    """What the options say of order, noise and equivalents."""
    assert zoo.solver("dpmpp-2m-sde", eta=0).facts().equivalents == ("dpmpp-2m",)
    assert zoo.solver("sa-solver", tau=0).facts().order == 3
    assert zoo.solver("sa-solver", tau=0).facts().nominal_order == 4
    assert zoo.solver("sa-solver", tau=0, corrector=2).facts().order == 2
    assert zoo.solver("sa-solver", rho_max=1.0).facts().noise_level is None
    assert zoo.solver("er-sde-3-published", scale="ode").facts().nominal_order == 2
    assert zoo.solver("er-sde-3", scale="ode").facts().nominal_order == 3
    with pytest.raises(zoo.OptionError, match="must lie below"):
        zoo.solver("seeds-3", r1=0.7)
