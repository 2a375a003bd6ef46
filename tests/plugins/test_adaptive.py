"""Adaptive steps: the tolerance is met, every sample is on its own, and what cannot end says so."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from flow_cases import exact_end, gaussian, karras, start

import solvers_zoo as zoo

VP = zoo.VP(t_min=0.01, t_max=0.93)


def adaptive(**options):
    return zoo.solver("adaptive", **options)


def run(model, solver, grid, x, **options):
    return zoo.sample(model, solver=solver, grid=grid, x=x, **options)


INNERS = [
    "heun",
    "midpoint(variable=lam)",
    "bogacki-shampine",
    "dormand-prince",
    "rk4",
    "dpm-solver-2",
    "dpm-solver-3",
    "dpmpp-2s",
]


@pytest.mark.parametrize("clock", ["t", "sigma", "lam"])
@pytest.mark.parametrize("inner", INNERS)
def test_error_follows_the_tolerance(inner, clock):
    """A hundredth of the tolerance costs more and errs at least five times less; both stay within 100 tolerances."""
    model, grid, x = gaussian(VP, "eps"), karras(VP, 20), start()
    end = exact_end(x, grid[0], grid[-1])
    errors, costs = [], []
    for tol in (1e-2, 1e-4):
        got = run(model, adaptive(solver=inner, rtol=tol, atol=tol, clock=clock), grid, x)
        errors.append((got.x - end).abs().max().item())
        costs.append(got.nfe)
        assert errors[-1] < 100 * tol
    assert costs[1] > costs[0]
    assert errors[1] < errors[0] / 5


@pytest.mark.parametrize("extrapolate", [False, True])
def test_step_doubling_reuses_the_first_evaluation(extrapolate):
    """3 p - 1 evaluations an attempt, not 3 p."""
    got = run(gaussian(VP), adaptive(solver="rk4", extrapolate=extrapolate), karras(VP, 20), start(1))
    attempts = int(got.stats["accepted"] + got.stats["rejected"])
    assert got.nfe == 11 * attempts == got.stats["evaluations"].item()


def test_extrapolation_gains_an_order():
    model, grid, x = gaussian(VP), karras(VP, 20), start()
    end = exact_end(x, grid[0], grid[-1])
    plain, better = (
        (run(model, adaptive(solver="euler", extrapolate=e), grid, x).x - end).abs().max() for e in (False, True)
    )
    assert better < plain / 5


@pytest.mark.parametrize("shape", [(1,), (2,), (3,), (8,), (3, 32, 32)])
@pytest.mark.parametrize(
    "spec", ["adaptive", "adaptive(rk4, rtol=1e-5)", "adaptive(dormand-prince, clock=t, rtol=1e-5)"]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sample_alone_is_itself_in_any_batch(spec, shape, dtype):
    """Bit for bit, with its own counts: no norm, step or acceptance is shared."""
    model, grid = gaussian(VP), karras(VP, 10)
    model.shape = None
    x = torch.randn(7, *shape, generator=torch.Generator().manual_seed(0)).to(dtype) * torch.arange(1, 8).reshape(
        -1, *[1] * len(shape)
    )
    together = run(model, spec, grid, x)
    assert len(set(together.stats["accepted"].tolist())) > 1  # they do take different steps
    for i in (0, 3, 6):
        alone = run(model, spec, grid, x[i : i + 1])
        assert torch.equal(alone.x, together.x[i : i + 1])
        for key in ("accepted", "rejected", "evaluations"):
            assert alone.stats[key].item() == together.stats[key][i].item()


def test_finished_samples_are_frozen_and_all_end_at_the_end():
    model, grid = gaussian(VP), karras(VP, 10)
    x = start(5) * torch.tensor([[0.1], [1.0], [2.0], [5.0], [20.0]], dtype=torch.float64)
    states = []
    run(model, adaptive(rtol=1e-5), grid, x, callback=lambda state: states.append(state) and None)
    end = grid[-1].lam
    when = [next(s.index for s in states if s.memory[0].flatten()[i] == end) for i in range(5)]
    assert len(set(when)) > 1
    for i, first in enumerate(when):
        own = [s.x[i] for s in states if s.index >= first]
        assert all(torch.equal(own[0], later) for later in own)
    assert states[-1].point is grid[-1]


@pytest.mark.parametrize("spec", ["adaptive", "adaptive(dpmpp-2s, clock=sigma)", "adaptive(heun(variable=t), clock=t)"])
def test_never_outside_the_grid(spec):
    """Every time asked of the model, by any sample, lies between the grid's ends to the last bit."""
    inner = gaussian(VP)
    for low in (0.013, 0.02, 0.0237, 0.031, 0.1, 0.123):
        for times in ([0.93, 0.7, low], [low, 0.1234, 0.93]):
            seen = []
            spy = zoo.FunctionModel(lambda x, t, seen=seen: seen.append(t) or inner.fn(x, t), sde=VP, prediction="x0")
            run(spy, spec, zoo.Grid(VP, times), start(4))
            asked = torch.cat(seen)
            assert asked.dtype is torch.float64
            assert low <= asked.min().item()
            assert asked.max().item() <= 0.93
            if "dpmpp" not in spec:  # these ask at both ends of a step
                assert asked.min().item() == low


@pytest.mark.parametrize("spec", ["adaptive", "adaptive(rk4)"])
def test_first_step_is_the_grids(spec):
    times = []
    grid = zoo.Grid(VP, [0.9, 0.8, 0.01])
    model = zoo.FunctionModel(lambda x, t: times.append(t[0].item()) or 0 * x, sde=VP, prediction="eps")
    run(model, spec, grid, start(1), callback=lambda state: True)
    assert times[-1] == pytest.approx(0.8, abs=1e-12)
    assert times[0] == 0.9


def test_encode_and_decode():
    model, grid, x = gaussian(VP, "v"), karras(VP, 20), start()
    solver = adaptive(solver="dormand-prince", rtol=1e-8, atol=1e-8)
    up = run(model, solver, zoo.Grid(VP, grid.times[::-1]), x).x
    assert (up - exact_end(x, grid[-1], grid[0])).abs().max() < 1e-6
    assert (run(model, solver, grid, up).x - x).abs().max() < 1e-6


def test_rejections_are_counted_and_paid():
    """A first interval far too long is rejected until it is short enough."""
    got = run(gaussian(VP), adaptive(rtol=1e-3, atol=1e-3), zoo.Grid(VP, [0.93, 0.01]), start(4))
    assert (got.stats["rejected"] > 0).all()
    assert torch.equal(got.stats["evaluations"], 2 * (got.stats["accepted"] + got.stats["rejected"]))
    assert got.nfe == got.stats["evaluations"].max()


def test_stops_and_resumes_bit_for_bit():
    model, grid, x = gaussian(VP), karras(VP, 10), start(3)
    whole = run(model, "adaptive", grid, x)
    for stop in (1, 5, 11):
        part = run(model, "adaptive", grid, x, callback=lambda state, stop=stop: state.index >= stop)
        assert not part.finished
        rest = zoo.sample(model, resume=part)
        assert torch.equal(rest.x, whole.x)
        assert rest.nfe == whole.nfe
        assert torch.equal(rest.stats["rejected"], whole.stats["rejected"])


@pytest.mark.parametrize("sde", [zoo.RectifiedFlow(t_min=0.01), zoo.Cosine(t_min=0.01)], ids=lambda sde: sde.card.name)
def test_alpha_zero(sde):
    """The clock t and a solver in t start at pure noise; the others say why not."""
    grid, x = zoo.grid("uniform").make_grid(sde, 20), start()
    got = run(gaussian(sde, "flow"), "adaptive(heun(variable=t), clock=t, rtol=1e-4)", grid, x)
    assert (got.x - exact_end(x, grid[0], grid[-1])).abs().max() < 2e-3
    euler = run(gaussian(sde, "v"), "adaptive(euler, clock=t)", grid, x)
    assert (euler.x - exact_end(x, grid[0], grid[-1])).abs().max() < 0.05
    for spec in ("adaptive", "adaptive(heun(variable=t))", "adaptive(heun, clock=t)"):
        with pytest.raises(zoo.IncompatibleError, match="alpha = 0 at t = 1"):
            run(gaussian(sde, "flow"), spec, grid, x)


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ("ddpm", "ddpm: it is stochastic"),
        ("ddim(eta=0.5)", "it is stochastic"),
        ("dpmpp-2m", "it is a multistep method, whose history would not survive a rejected step"),
        ("adaptive", "it is not made of single steps"),
        ("torchdiffeq-dopri5", "it is not made of single steps"),
    ],
)
def test_refused_with_a_reason(inner, why):
    with pytest.raises(zoo.OptionError, match=why.replace("(", r"\(")):
        adaptive(solver=inner)


def test_a_tolerance_below_rounding_is_an_error():
    """The difference of a float32 step and its halves cannot fall below their rounding."""
    with pytest.raises(
        zoo.ZooError, match=r"step of sample \d shrank to .* without meeting rtol = 0, atol = 1e-13.*use float64"
    ):
        run(gaussian(VP), "adaptive(rk4, rtol=0, atol=1e-13)", karras(VP, 10), start(2).float())


def test_a_model_that_returns_nan_is_an_error():
    """Its steps are rejected as too long until they underflow; the error then names sample and time, not the tolerance."""
    model = zoo.FunctionModel(
        lambda x, t: torch.where((t[:, None] < 0.5) & (x > 0), math.nan, 0 * x), sde=VP, prediction="eps"
    )
    x = torch.tensor([[-1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    with pytest.raises(zoo.ModelError, match=r"not finite in sample 1, from t = 0\.5\d* on, however short the step"):
        run(model, "adaptive", karras(VP, 10), x)


def test_a_step_that_overflows_is_only_rejected():
    """A state out of the model's range is the step's fault: shorter ones mend it."""
    inner = gaussian(VP)
    model = zoo.FunctionModel(
        lambda x, t: torch.where(x.abs() > 3.5, math.nan, inner.fn(x, t)), sde=VP, prediction="x0"
    )
    x = torch.full((1, 2), 3.4, dtype=torch.float64)
    got = run(model, "adaptive(heun(variable=t), clock=t, rtol=1e-4)", zoo.Grid(VP, [0.93, 0.01]), x)
    assert got.stats["rejected"].item() > 0
    assert torch.isfinite(got.x).all()


@pytest.mark.parametrize(
    ("control", "err"), [("pcoeff=0,icoeff=1", (1, 0, 0)), ("pcoeff=0.4,icoeff=0.3,dcoeff=0.1", (0.8, 0.6, 0.1))]
)
def test_the_controller_is_the_formula(control, err):
    """Every accepted step is followed by one of factor safety err^-a err_1^b err_2^-c."""
    a, b, c = err
    states = []
    solver = zoo.solver(f"adaptive(rtol=1e-4,{control})")
    run(gaussian(VP), solver, karras(VP, 10), start(1), callback=lambda state: states.append(state) and None)
    checked = 0
    for before, after in pairwise(states):
        old, new = before.memory, after.memory
        if new.accepted > old.accepted and before.index > 3 and after.point.t != 0.01:
            factor = 0.9 * (new.error ** (-a / 2) * old.error ** (b / 2) * old.earlier ** (-c / 2)).item()
            assert (new.h / old.h).item() == pytest.approx(min(max(factor, 0.2), 5.0), rel=1e-9)
            assert new.earlier == old.error
            checked += 1
    assert checked > 10


def test_a_controller_that_rewards_errors_is_refused():
    with pytest.raises(zoo.OptionError, match="must be > 0"):
        adaptive(pcoeff=-2.0)


def test_too_many_attempts_are_an_error():
    with pytest.raises(
        zoo.ZooError, match="made 7 attempts and 2 of 2 samples are still under way; loosen rtol and atol"
    ):
        run(gaussian(VP), "adaptive(max_attempts=7)", karras(VP, 10), start(2))


def test_facts():
    solver = adaptive(solver="heun(variable=t)", clock="t")
    assert solver.nfe(10) is None
    assert solver.facts().adaptive
    assert solver.facts().needs == ("gaussian",)
    assert adaptive().facts().needs == ("gaussian", "finite-lam")
    assert str(adaptive(solver="rk4", rtol=1e-5)) == "adaptive(solver=rk4, rtol=1e-05)"
    with pytest.raises(zoo.OptionError, match="chooses its own steps"):
        zoo.sample(gaussian(VP), solver="adaptive", nfe=20, n=2)
