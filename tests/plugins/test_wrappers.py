"""Solvers made of solvers."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from zoo_wrappers.start_up import cut

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.exact import exact_flow
from solvers_zoo.testing.check_law import edm_gaussian, probe, target
from solvers_zoo.testing.check_order import Fit
from solvers_zoo.testing.probe import ModelSpy
from solvers_zoo.testing.problems import gaussian, grid, mixture_1d, mixture_2d
from solvers_zoo.testing.subject import Subject


def run(solver, problem, times, model=None, noise=None):
    return Subject(zoo.solver(solver)).run(model or problem.model, problem.x, times, noise)


def calls(solver, steps):
    problem = mixture_2d()
    spy = ModelSpy(problem.model)
    run(solver, problem, problem.grid(steps), spy)
    return spy.calls


# -- restart ---------------------------------------------------------------------------------------------------------


def test_restart_goes_where_its_options_say():
    problem = mixture_2d()
    times = problem.grid(12)
    legs = zoo.solver("restart(low=0.1, high=0.5, repeats=3, steps=4)").legs(times)
    down, *restarts, rest = legs
    near = min((p.rho for p in times), key=lambda rho: abs(math.log(rho / 0.1)))
    assert down[-1].rho == near == rest[0].rho
    assert rest[-1] is times[-1]
    assert len(restarts) == 3
    for leg in restarts:
        assert (len(leg), leg[-1].rho) == (5, near)
        assert leg[0].rho == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("base", ["heun", "lms-3", "ddpm", "dpm-solver-3"])
def test_restart_costs_what_it_says(base):
    solver = zoo.solver(f"restart({base})")
    assert [solver.nfe(n) for n in (5, 12, 20)] == [calls(str(solver), n) for n in (5, 12, 20)]


def test_restart_refuses_an_interval_that_the_grid_does_not_pass():
    sde = zoo.EDM(sigma_min=0.5, sigma_max=10)
    assert "high = 0.3" in zoo.solver("restart").supports(sde, zoo.Grid(sde, [10.0, 0.5]))
    with pytest.raises(zoo.OptionError, match="below high"):
        zoo.solver("restart(low=1, high=0.5)")
    with pytest.raises(zoo.OptionError, match="does not move"):
        zoo.solver("restart(langevin)")


def test_restart_contracts_an_error_of_the_start():
    """The law of a wrong start comes nearer to the exact one with every restart: the point of the method."""
    model = edm_gaussian()
    times = grid(model.sde, 64)
    _, variance = target(times)
    first = 1.21 * (0.25 + 100)
    off = []
    for solver in ("heun", *(f"restart(low=0.06, high=1, repeats={k})" for k in (1, 3))):
        law = probe(Subject(zoo.solver(solver)), model, times)
        off.append(law.A**2 * first + float(law.C.square().sum()) - variance)
    assert off[2] < 0.2 * off[1] < 0.2 * 0.5 * off[0]


def test_a_fixed_number_of_inner_steps_is_declared_a_bias():
    assert zoo.solver("restart").facts().weak_order == 2
    fixed = zoo.solver("restart(steps=3)").facts()
    assert fixed.weak_order is None
    assert fixed.bias


def test_restarts_draw_anew_even_along_a_brownian_path():
    """A stochastic solver on later legs must not see the increments of the first again: law by exact sampling."""
    model = edm_gaussian()
    times = grid(model.sde, 40)
    n = 20000
    seeded = zoo.SeededNoise(3, range(n), (1,), torch.float64)
    x = model.draw(times[0], seeded.data())
    fine = zoo.GridNoise(seeded, times)
    coarse = zoo.solver("restart(ddpm, low=0.3, high=3, repeats=1, steps=1)")
    legs = coarse.legs(times)
    end = Subject(coarse).run(model, x, times, fine)
    again = Subject(coarse).run(model, x, times, seeded)
    assert len(legs) == 3
    assert float(end.var() / again.var()) == pytest.approx(1, abs=0.06)


# -- analytical first step -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["heun", "lms-3", "ddim", "dpm-solver-3", "ddpm"])
def test_afs_saves_one_evaluation(base):
    solver = zoo.solver(f"afs({base})")
    for steps in (1, 4, 9):
        assert calls(str(solver), steps) == solver.nfe(steps) == zoo.solver(base).nfe(steps) - 1


def test_afs_is_exact_where_the_data_are_that_gaussian():
    model = zoo.Gaussian([0.0, 0.0], 1.0, zoo.VP())
    times = registry.default().make("grid", "karras").make_grid(model.sde, 9)
    x = torch.linspace(-2, 2, 8, dtype=torch.float64).reshape(4, 2)
    a, b = (Subject(zoo.solver(s)).run(model, x, times) for s in ("heun", "afs(heun)"))
    assert torch.allclose(a, b, rtol=1e-12)
    first = zoo.AnalyticFirstStep(model)(x, times[0])
    assert torch.allclose(first.score, -x, rtol=1e-12)  # alpha^2 + sigma^2 = 1


def test_afs_costs_order_from_a_low_start_and_nothing_from_a_high_one():
    """From sigma = 2 its error is of order 1; from 80 it is a tenth of what Heun's other steps cost."""
    problem = mixture_2d()
    errors = [problem.error(run("afs", problem, problem.grid(n))) for n in (128, 256)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.1)
    model = problem.model.on(zoo.EDM(sigma_min=0.05, sigma_max=80.0))
    times = registry.default().make("grid", "karras").make_grid(model.sde, 18)
    x = 80 * torch.linspace(-1.5, 1.5, 16, dtype=torch.float64).reshape(8, 2)
    exact = exact_flow(model, x, times[0], times[-1])
    heun, afs = (Subject(zoo.solver(s)).run(model, x, times) for s in ("heun", "afs"))
    assert (afs - heun).square().mean() < 0.1**2 * (heun - exact).square().mean()


# -- start-up --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "start", "order"),
    [
        ("dpmpp-3m", "ramp", 2),
        ("dpmpp-3m", "runge-kutta", 3),
        ("dpmpp-3m", "predictor-corrector", 3),
        ("dpmpp-3m", "short-steps", 3),
        ("lms-4", "runge-kutta", 4),
        ("lms-4", "predictor-corrector", 3),
        ("lms-4", "short-steps", 4),
        ("unipc", "runge-kutta", 4),
    ],
)
def test_the_start_restores_the_order(base, start, order):
    """On sigma from 2 to 0.05, where start-up shows."""
    problem = mixture_2d()
    solver = f"start-up({base}, start={start})"
    assert zoo.solver(solver).facts().order == order
    fit = Fit(lambda n: problem.error(run(solver, problem, problem.grid(n))), order, problem.floor, last=512)
    assert fit.slope == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("start", ["ramp", "runge-kutta", "predictor-corrector", "short-steps"])
@pytest.mark.parametrize("base", ["dpmpp-3m", "lms-4", "unipc"])
def test_a_start_costs_what_it_says(base, start):
    solver = zoo.solver(f"start-up({base}, start={start})")
    assert [solver.nfe(n) for n in (1, 2, 3, 8)] == [calls(str(solver), n) for n in (1, 2, 3, 8)]


def test_ramp_is_the_solver_itself():
    problem = mixture_2d()
    times = problem.grid(9)
    assert torch.equal(run("start-up(lms-4, start=ramp)", problem, times), run("lms-4", problem, times))


def test_the_first_interval_is_cut_geometrically():
    problem = mixture_2d()
    times = problem.grid(4)
    fine = cut(times, 3)
    lams = [p.lam for p in fine]
    gaps = [b - a for a, b in itertools.pairwise(lams)][:4]
    assert [gap / gaps[0] for gap in gaps] == pytest.approx([1, 1, 2, 4])
    assert fine[4] is times[1]
    assert not fine.smooth


def test_what_start_up_refuses():
    for spec, reason in {
        "start-up(heun)": "history",
        "start-up(ipndm-4, start=short-steps)": "equal steps",
        "start-up(ipndm-4, start=predictor-corrector)": "equal steps",
        "start-up(lms-3, starter=lms-3)": "single steps",
        "start-up(lms-3, starter=euler-maruyama)": "flow",
    }.items():
        with pytest.raises(zoo.OptionError, match=reason):
            zoo.solver(spec)


# -- picard ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["heun", "dpm-solver-3", "ddim", "ddpm", "seeds-2", "sra1"])
def test_picard_is_the_sequential_solver(base):
    """With tol = 0 to rounding; noise, its areas and stages at times of their own included."""
    problem = mixture_2d()
    times = problem.grid(12)
    noise = zoo.SeededNoise(4, range(16), (2,), torch.float64)
    for path in (noise, zoo.PathNoise(noise)):
        due = run(base, problem, times, noise=path)
        got = run(f"picard({base}, window=5, tol=0)", problem, times, noise=path)
        assert torch.allclose(got, due, rtol=1e-11, atol=1e-12)


def test_a_tolerance_bounds_the_error_and_saves_rounds():
    problem = mixture_2d()
    times = problem.grid(64)
    due, rounds = run("heun", problem, times), []
    for tol in (1e-2, 1e-4, 1e-8):
        result = zoo.sample(problem.model, f"picard(heun, window=64, tol={tol})", grid=times, x=problem.x)
        assert float((result.x - due).square().mean().sqrt()) < 30 * tol
        rounds.append(int(result.stats["rounds"].max()))
        assert result.nfe == 2 * rounds[-1]  # two stages, whatever the window
        assert torch.equal(result.stats["evaluations"], result.stats["rounds"] * 2 * 64)
    assert rounds == sorted(rounds)
    assert rounds[-1] < 40


def test_one_round_of_a_window_at_a_time_is_exact_after_as_many():
    problem = mixture_1d()
    times = problem.grid(8)
    states = Subject(zoo.solver("picard(heun, window=8, tol=0)")).states(problem.model, problem.x, times)
    assert len(states) <= 8
    assert torch.allclose(states[-1].x, run("heun", problem, times), rtol=1e-12, atol=1e-13)


def test_no_sample_waits_for_another():
    problem = mixture_2d()
    result = zoo.sample(problem.model, "picard(tol=1e-4)", grid=problem.grid(32), x=problem.x)
    alone = zoo.sample(problem.model, "picard(tol=1e-4)", grid=problem.grid(32), x=problem.x[3:4])
    assert torch.allclose(result.x[3], alone.x[0], rtol=0, atol=1e-14)
    assert result.stats["rounds"][3] == alone.stats["rounds"][0]
    assert len(set(result.stats["rounds"].tolist())) > 1


def test_conditions_follow_their_samples_through_a_window():
    sde = zoo.EDM(sigma_min=0.05, sigma_max=2.0)
    model = zoo.FunctionModel(lambda x, t, shift: torch.tanh(x) + shift, sde=sde, prediction="x0", shape=(2,))
    shift = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    x = torch.ones(5, 2, dtype=torch.float64)
    due, got = (
        zoo.sample(model, s, steps=6, x=x, condition={"shift": shift}).x
        for s in ("heun", "picard(heun, tol=0, window=4)")
    )
    assert torch.allclose(got, due, rtol=1e-12)


# -- repaint ---------------------------------------------------------------------------------------------------------


def half_known(rho=0.9):
    """Two coordinates of correlation rho, the first known to be 1.5: the second is N(1.5 rho, 1 - rho^2)."""
    model = zoo.Gaussian([0.0, 0.0], [[1.0, rho], [rho, 1.0]], zoo.EDM(sigma_min=0.02, sigma_max=10.0))
    return zoo.Inpainting(model, torch.tensor([1.5, 0.0]), torch.tensor([True, False]))


@pytest.mark.slow
def test_repaint_tends_to_the_posterior_with_resampling():
    """At 100 steps the error of the mean of what is not known falls with the resampling."""
    off = []
    for resamples in (1, 3, 10):
        result = zoo.sample(
            half_known(), f"repaint(jump_length=5, resamples={resamples})", steps=100, n=4000, dtype=torch.float64
        )
        assert result.x[:, 0].mean() == pytest.approx(1.5, abs=0.01)
        off.append(abs(float(result.x[:, 1].mean()) - 1.35))
    assert off[0] > 0.3
    assert off[1] < 0.7 * off[0]
    assert off[2] < 0.5 * off[1]
    assert off[2] < 0.08


@pytest.mark.parametrize(("steps", "jump", "again"), [(9, 3, 2), (10, 10, 4), (12, 4, 3), (5, 1, 2), (3, 10, 10)])
def test_repaint_makes_the_jumps_of_the_authors_schedule(steps, jump, again):
    """Their loop over the indices of levels, T - 1 down to -1, replayed."""
    left = dict.fromkeys(range(0, steps - jump, jump), again - 1)
    t, visited = steps, []
    while t >= 1:
        t -= 1
        visited.append(t)
        if left.get(t, 0) > 0:
            left[t] -= 1
            for _ in range(jump):
                t += 1
                visited.append(t)
    solver = zoo.solver(f"repaint(jump_length={jump}, resamples={again})")
    stretches = list(solver.stretches(steps + 0))
    assert stretches[0][0] == 0
    assert stretches[-1][1] == steps
    jumps = sum(b > a for a, b in itertools.pairwise(visited)) // jump
    assert len(stretches) - 1 == (again - 1) * len(solver.landings(steps))
    assert abs(len(stretches) - 1 - jumps) <= again - 1  # their first level counts as one, ours as a start
    assert solver.nfe(steps) == sum(b - a for a, b in stretches)


def test_inpainting_refuses_what_does_not_fit():
    model = half_known().model
    with pytest.raises(zoo.OptionError, match="broadcast"):
        zoo.Inpainting(model, torch.zeros(2), torch.ones(3, dtype=torch.bool))
    with pytest.raises(zoo.OptionError, match="shape"):
        zoo.Inpainting(model, torch.zeros(3), torch.ones(3, dtype=torch.bool))
    with pytest.raises(zoo.OptionError, match="one-step"):
        zoo.solver("repaint(lms-3)")


# -- ideal -----------------------------------------------------------------------------------------------------------


def test_the_ideal_sampler_is_exact_and_calls_nothing():
    for problem in (gaussian(), mixture_1d(), mixture_2d()):
        result = zoo.sample(problem.model, "ideal", grid=problem.grid(3), x=problem.x)
        assert problem.error(result.x) < 1e-8
        assert result.nfe == 0


def test_the_ideal_sampler_of_a_data_set_gives_it_back():
    data = torch.tensor([[-1.0, 0.5], [1.2, -0.4], [0.3, 1.1]], dtype=torch.float64)
    model = zoo.KernelMixture(data, 0.0, zoo.EDM(sigma_min=0.02, sigma_max=5.0))
    x = zoo.sample(model, "ideal", steps=1, n=12, dtype=torch.float64, denoise=True).x
    nearest = torch.cdist(x, data).min(1).values
    assert float(nearest.max()) < 1e-3


def test_the_ideal_sampler_refuses_what_it_does_not_know():
    model = mixture_2d().model
    for other in (zoo.FunctionModel(lambda x, t: x, sde=model.sde), zoo.AnalyticFirstStep(model)):
        with pytest.raises(zoo.IncompatibleError, match="closed form"):
            zoo.sample(other, "ideal", steps=2, shape=(2,))


# -- encoding --------------------------------------------------------------------------------------------------------


def reversible():
    """Every registered deterministic solver of a fixed order that runs both ways, but the costly bridges."""
    sde = mixture_1d().model.sde
    up = zoo.Grid(sde, [sde.t_min, sde.t_max])
    for card in zoo.solvers():
        cheap = card.evaluations is not None and card.evaluations <= 8 and not card.name.startswith("torch")
        if card.order is not None and cheap and zoo.solver(card.name).supports(sde, up) is None:
            yield card.name


@pytest.mark.parametrize("name", sorted(reversible()))
def test_encoding_is_undone_by_sampling(name):
    """Down and up again ends where it began, nearer with more steps; and up is near the exact noise."""
    problem = mixture_1d()
    off = []
    for steps in (16, 64):
        times = problem.grid(steps, "log")
        noise = zoo.encode(problem.model, problem.end, name, grid=times).x
        back = zoo.sample(problem.model, name, grid=times, x=noise).x
        off.append(float((back - problem.end).square().mean().sqrt()))
    assert off[1] < max(0.45 * off[0], 1e-9)
    assert float((noise - problem.x).square().mean().sqrt()) < 0.1


def test_encode_takes_what_sample_takes():
    problem = mixture_1d()
    by_steps = zoo.encode(problem.model, problem.end, "heun", steps=10)
    by_nfe = zoo.encode(problem.model, problem.end, "heun", nfe=21)
    assert torch.equal(by_steps.x, by_nfe.x)
    assert by_steps.grid == sorted(by_steps.grid)
    assert by_steps.nfe == 20
    with pytest.raises(zoo.IncompatibleError, match="stochastic"):
        zoo.encode(problem.model, problem.end, "ddpm", steps=4)
    with pytest.raises(zoo.OptionError, match="denoise"):
        zoo.encode(problem.model, problem.end, steps=4, denoise=True)


# -- storage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["restart(lms-3)", "picard", "repaint(jump_length=3)", "start-up", "baoab", "gotta-go-fast"]
)
def test_a_run_goes_on_from_a_file_bit_for_bit(name, tmp_path):
    problem = mixture_2d()
    seen = []
    whole = zoo.sample(problem.model, name, steps=8, x=problem.x)
    part = zoo.sample(
        problem.model, name, steps=8, x=problem.x, callback=lambda state: seen.append(state) or len(seen) == 5
    )
    part.save(tmp_path / "part.npz")
    assert torch.equal(zoo.sample(problem.model, resume=tmp_path / "part.npz").x, whole.x)
