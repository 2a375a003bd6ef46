"""DPM-Solver-v3: exact where its statistics are, its order whatever they are, and statistics measured from a model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from flow_cases import MEAN, VAR, exact_end, gaussian, karras, mixture, slope, start
from zoo_dpm.statistics import OneGaussian, Table, measure_statistics

import solvers_zoo as zoo

STD = math.sqrt(VAR)


def run(model, solver, grid, x):
    return zoo.sample(model, solver=solver, grid=grid, x=x).x


@pytest.mark.parametrize("options", ["order=1,corrector=false", "order=3"])
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize(
    "sde",
    [zoo.VP(t_min=0.01), zoo.EDM(sigma_min=0.02, sigma_max=10.0), zoo.RectifiedFlow(t_min=0.01, t_max=0.99)],
    ids=lambda sde: sde.card.name,
)
def test_exact_on_the_gaussian_that_it_assumes(sde, steps, options):
    """In one step and whatever the mean, where every other solver errs."""
    model, grid = gaussian(sde, "v"), karras(sde, steps)
    x = grid[0].sigma * start(4)
    end = exact_end(x, grid[0], grid[-1])
    got = run(model, f"dpm-solver-v3(data_std={STD!r},{options})", grid, x)
    assert (got - end).abs().max() < 1e-11
    assert (run(model, "dpmpp-2m", grid, x) - end).abs().max() > 1e-3


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("corrector", [False, True])
def test_order(order, corrector):
    """p, and p + 1 corrected; start-up leaves 2 and 3."""
    solver = zoo.solver("dpm-solver-v3", order=order, corrector=corrector)
    facts = solver.facts()
    assert (facts.order, facts.nominal_order) == (min(order + corrector, 2 + corrector), order + corrector)
    if (order, corrector) in ((1, False), (2, False), (1, True), (2, True)):
        steps = (256, 512, 1024) if order + corrector < 3 else (64, 128, 256)
        assert slope(solver, steps) == pytest.approx(facts.order, abs=0.2)


def reab(x, model, grid, order, wrong=False):
    """azula's REABSampler: v3 with l of N(0, 1) and s = d log sqrt(l)/dlam; ``wrong`` with sigma_t for sigma_s."""
    history = []
    points = grid.points
    for i, (t, s) in enumerate(grid.intervals()):
        a = t.sigma**2 / (t.alpha**2 + t.sigma**2)
        history = [((1 - a) * x / t.alpha - model(x, t).x0) / math.sqrt(a), *history][:order]
        nodes = [-point.lam for point in points[i::-1][:order]]
        grid_u = np.linspace(-t.lam, -s.lam, 257)
        total = 0.0
        for j, f in enumerate(history):
            basis = np.prod([(grid_u - v) / (nodes[j] - v) for v in nodes if v != nodes[j]] or [1 + 0 * grid_u], axis=0)
            total = total + np.trapezoid(np.exp(grid_u) / (1 + np.exp(2 * grid_u)) * basis, grid_u) * f
        mixed = s.alpha**2 + (t if wrong else s).sigma ** 2
        x = math.sqrt((s.alpha**2 + s.sigma**2) / (t.alpha**2 + t.sigma**2)) * x + math.sqrt(mixed) * total
    return x


def test_a_known_defect_of_a_relative():
    """azula's REAB with the printed factor is of order 2; with sigma_t for sigma_s in it, of order 1 (and the zoo's is of 2)."""
    model, x, end = mixture()

    def order(solve):
        errors = [float((solve(karras(model.sde, n)) - end).square().mean().sqrt()) for n in (64, 256)]
        return math.log(errors[0] / errors[1], 4)

    assert order(lambda grid: reab(x, model, grid, 2)) == pytest.approx(2, abs=0.2)
    assert order(lambda grid: reab(x, model, grid, 2, wrong=True)) == pytest.approx(1, abs=0.2)
    assert order(lambda grid: run(model, "dpm-solver-v3(order=2,corrector=false)", grid, x)) == pytest.approx(
        2, abs=0.2
    )


def test_without_statistics_it_is_the_exponential_adams_method():
    """A point mass has l = 1, s = b = 0: DPM-Solver++ of that order with exact integrals."""
    model, x, _ = mixture()
    grid = karras(model.sde, 9)
    got = run(model, "dpm-solver-v3(order=2,corrector=false,data_std=1e-7)", grid, x)
    torch.testing.assert_close(got, run(model, "res-2m", grid, x), rtol=1e-9, atol=1e-9)


def test_the_closed_form_is_its_derivatives():
    """L' = l, S' = s = d log l/dlam, by central differences."""
    source = OneGaussian(0.6)
    for lam in (-3.0, 0.2, 4.0):
        low, at, high = (source(lam + d) for d in (-1e-5, 0.0, 1e-5))
        slope_of_l, slope_of_s = (high.L - low.L) / 2e-5, (high.S - low.S) / 2e-5
        assert slope_of_l == pytest.approx(at.l, rel=1e-8)
        assert slope_of_s == pytest.approx(-2 * (1 - at.l), rel=1e-8)
        assert math.log(high.l / low.l) == pytest.approx(high.S - low.S, rel=1e-8)


def test_a_table_joins_its_nodes_smoothly():
    """Cubic splines of a Gaussian's statistics are near them, and L is the integral of that very l."""
    lam = torch.linspace(-4, 4, 129, dtype=torch.float64)
    l = torch.stack([torch.as_tensor(OneGaussian(0.6)(v).l).expand(2) for v in lam.tolist()])  # noqa: E741
    table = Table(lam, l, -2 * (1 - l), 0 * l)
    exact = OneGaussian(0.6)
    zero = table(-4.0)
    for v in (-3.99, -1.234, 0.0, 2.5, 4.0):
        got, want, begin = table(v), exact(v), exact(-4.0)
        assert got.l.shape == (1, 2)
        assert (got.l - want.l).abs().max() < 1e-5
        assert (got.L - zero.L - (want.L - begin.L)).abs().max() < 1e-5
        assert (got.S - (want.S - begin.S)).abs().max() < 1e-4
    both = table(torch.tensor([[-1.234], [2.5]], dtype=torch.float64))
    torch.testing.assert_close(both.L, torch.cat([table(-1.234).L, table(2.5).L]))
    fine = torch.linspace(-1, 1, 4001, dtype=torch.float64)
    values = torch.cat([table(v).l for v in fine.tolist()])
    assert (torch.trapezoid(values, fine, dim=0) - (table(1.0).L - table(-1.0).L)).abs().max() < 1e-7


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Statistics of the mixture, made once."""
    model, _, _ = mixture()
    path = tmp_path_factory.mktemp("statistics") / "mixture.npz"
    ends = [model.sde.at(t).lam for t in (2.0, 0.05)]
    return str(path), measure_statistics(model, str(path), lam=(ends[0], ends[1]), nodes=33, samples=256)


@pytest.mark.slow
def test_measured_statistics_pay_off(measured):
    """At 5 evaluations the error is a fifth of the best other solver's here, and it converges as declared."""
    path, _ = measured
    model, x, end = mixture()

    def error(solver, steps):
        return float(
            (run(model, solver, zoo.grid("log-snr").make_grid(model.sde, steps), x) - end).square().mean().sqrt()
        )

    solver = f"dpm-solver-v3(statistics='{path}')"
    assert error(solver, 5) < 0.2 * min(error(other, 5) for other in ("dpmpp-2m", "res-2m", "dpm-solver-fast"))
    errors = [error(solver, n) for n in (32, 64)]
    assert math.log2(errors[0] / errors[1]) > 2.8
    assert zoo.sample(model, solver=solver, steps=5, x=x).nfe == 5  # what the statistics cost is counted apart


def test_measured_statistics_cost_what_they_say(measured):
    """In two dimensions a prediction, two Jacobian columns and one derivative along the flow at every node."""
    path, found = measured
    assert found["calls"] == 4 * 33
    with np.load(path, allow_pickle=False) as file:
        assert int(file["calls"]) == 4 * 33
        assert file["l"].shape == (33, 2)


@pytest.mark.parametrize("given", ["analytic", "data"])
def test_measured_statistics_of_a_gaussian_are_the_closed_form(given, tmp_path):
    sde = zoo.VP(t_min=0.01)
    path = str(tmp_path / "gaussian.npz")
    if given == "analytic":
        model, data = zoo.Gaussian([MEAN, MEAN], VAR, sde), None
    else:
        model, data = gaussian(sde, "eps"), MEAN + STD * start(512)
    found = measure_statistics(model, path, lam=(-2.0, 3.0), nodes=33, samples=256, data=data)
    exact = torch.tensor([OneGaussian(STD)(v).l for v in found["lam"].tolist()], dtype=torch.float64)[:, None]
    torch.testing.assert_close(found["l"], exact.expand(33, 2), rtol=1e-9, atol=1e-9)  # its Jacobian is constant
    grid = zoo.Grid(sde, [sde.at_lam(v).t for v in (-2.0, 0.5, 3.0)])
    x = start(4)
    got = run(model, f"dpm-solver-v3(statistics='{path}')", grid, x)
    assert (
        got - exact_end(x, grid[0], grid[-1])
    ).abs().max() < 5e-5  # what splines through 33 nodes leave: fourth order


def test_many_dimensions_are_estimated_with_signs(tmp_path):
    """Beyond 16 dimensions one Jacobian-vector product a node; on an elementwise model a sign vector gives the diagonal."""
    sde = zoo.VP(t_min=0.01)
    model = zoo.Gaussian([0.0] * 20, VAR, sde)
    found = measure_statistics(model, str(tmp_path / "many.npz"), lam=(-1.0, 1.0), nodes=5, samples=16)
    assert found["calls"] == 3 * 5
    assert found["l"][2, 7].item() == pytest.approx(OneGaussian(STD)(0.0).l, rel=1e-9)


def test_what_cannot_be_used_says_why(measured, tmp_path):
    path, _ = measured
    model, x, _ = mixture()
    with pytest.raises(zoo.StorageError, match="no file of model statistics"):
        run(model, f"dpm-solver-v3(statistics='{tmp_path / 'none.npz'}')", karras(model.sde, 4), x)
    wide = zoo.model("mixture-2d", sde=zoo.EDM(sigma_min=0.05, sigma_max=20.0))
    with pytest.raises(zoo.IncompatibleError, match="measure them over a wider range"):
        run(wide, f"dpm-solver-v3(statistics='{path}')", karras(wide.sde, 4), x)
    with pytest.raises(zoo.OptionError, match="give data="):
        measure_statistics(gaussian(model.sde), str(tmp_path / "x.npz"), lam=(-1.0, 1.0))
    with pytest.raises(zoo.OptionError, match="at least 4"):
        measure_statistics(model, str(tmp_path / "x.npz"), lam=(-1.0, 1.0), nodes=3)
