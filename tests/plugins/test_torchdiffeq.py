"""The torchdiffeq bridge: right answers, honest costs, and never a call outside the grid."""

from __future__ import annotations

import importlib
import math
import subprocess
import sys
import warnings

import pytest
import torch
import zoo_torchdiffeq
from zoo_torchdiffeq import methods

import solvers_zoo as zoo

EDM = zoo.EDM(sigma_min=0.05, sigma_max=5.0)
OU = zoo.OU(t_min=0.02, t_max=3.0)
X = torch.linspace(-3, 3, 12, dtype=torch.float64).reshape(6, 2)
MEAN, VAR = 1.3, 0.25

FIXED = {"euler": (1, 1), "midpoint": (2, 2), "heun2": (2, 2), "heun3": (3, 3), "rk4": (4, 4)}
ADAPTIVE = ["adaptive-heun", "fehlberg2", "bosh3", "dopri5", "dopri8", "scipy-solver"]
ADAMS = ["explicit-adams", "implicit-adams"]


def target(sde):
    return zoo.Gaussian(mean=[MEAN, MEAN], cov=VAR, sde=sde)


def flow(sde, x, t, s):
    """The exact flow of an isotropic Gaussian."""
    a, b = sde.at(t), sde.at(s)
    spread = math.sqrt((b.alpha**2 * VAR + b.sigma**2) / (a.alpha**2 * VAR + a.sigma**2))
    return b.alpha * MEAN + spread * (x - a.alpha * MEAN)


def error(spec, sde, steps, grid="karras", **options):
    result = zoo.sample(target(sde), zoo.solver(spec, **options), steps=steps, grid=grid, x=X)
    return float((result.x - flow(sde, X, sde.t_max, sde.t_min)).abs().max()), result


@pytest.mark.parametrize("variable", ["t", "sigma", "lam"])
@pytest.mark.parametrize("name", FIXED)
def test_fixed_methods_have_their_order_and_cost(name, variable):
    order, each = FIXED[name]
    (coarse, _), (fine, result) = (error(f"torchdiffeq-{name}", OU, n, variable=variable) for n in (80, 160))
    assert order - 0.25 < math.log2(coarse / fine) < order + 1.1  # a Gaussian's flow in sigma suits midpoint: order 3
    solver = zoo.solver(f"torchdiffeq-{name}", variable=variable)
    assert solver.facts().order == order
    assert result.nfe == solver.nfe(160) == 160 * each
    assert solver.facts().variable == variable


@pytest.mark.parametrize("variable", ["t", "sigma", "lam"])
@pytest.mark.parametrize("name", FIXED)
def test_fixed_methods_are_the_zoos_own(name, variable):
    solver = zoo.solver(f"torchdiffeq-{name}", variable=variable)
    own = zoo.sample(target(OU), solver.facts().equivalents[0], steps=7, grid="karras", x=X).x
    assert torch.allclose(zoo.sample(target(OU), solver, steps=7, grid="karras", x=X).x, own, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("variable", ["t", "sigma", "lam"])
@pytest.mark.parametrize("name", ADAPTIVE)
def test_adaptive_methods_meet_their_tolerance_at_every_time(name, variable):
    """Not at the end only: every state that they yield lies on the flow."""
    loose, tight = (1e-3, 1e-5) if "heun" in name or "fehl" in name else (1e-4, 1e-8)
    factor = 1000 if name == "fehlberg2" else 300  # whose error estimate carries a factor 1/512
    costs = []
    for tol in (loose, tight):
        solver = zoo.solver(f"torchdiffeq-{name}", variable=variable, rtol=tol, atol=tol)
        result = zoo.sample(target(OU), solver, steps=4, grid="karras", x=X, trajectory=True)
        for t, x in zip(result.grid, result.trajectory, strict=True):
            assert (x - flow(OU, X, OU.t_max, t)).abs().max() < factor * tol
        costs.append(result.nfe)
    assert costs[0] < costs[1]
    assert solver.nfe(4) is None
    assert solver.facts().adaptive


@pytest.mark.parametrize("scipy", ["DOP853", "RK45", "RK23", "LSODA"])
def test_methods_of_scipy(scipy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        off, _ = error("torchdiffeq-scipy-solver", OU, 3, solver=scipy, rtol=1e-10, atol=1e-12)
    assert off < 3e-9  # torchdiffeq alone rounds times to float32, and stops improving at 1e-8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("method", "variable"),
    [
        (m.card.name, variable)
        for m in methods.METHODS
        for variable in ("t", "sigma", "lam")
        if not ("adams" in m.card.name and variable == "lam")  # not offered
    ],
)
def test_the_model_is_never_called_outside_the_grid(method, variable, dtype):
    """torchdiffeq's own stepping overshoots the end; times also come rounded to float32."""
    seen = []
    model = target(zoo.OU(t_min=1e-5, t_max=3.0))

    def fn(x, t):
        return model.predict(x, model.sde.at(float(t[0])))

    class Spy(zoo.FunctionModel):
        def __call__(self, x, point, **condition):
            seen.append(point.t)
            return super().__call__(x, point, **condition)

    times = [3.0, 1.0, 0.3, 0.1, 0.01]
    result = zoo.sample(
        Spy(fn, sde=model.sde, prediction="x0", shape=(2,)),
        zoo.solver(method, variable=variable),
        grid=times,
        x=X.to(dtype),
    )
    assert result.x.dtype is dtype
    assert result.x.isfinite().all()
    assert min(seen) >= times[-1]
    assert max(seen) <= times[0]
    assert abs(max(seen) - 3.0) < 1e-12


def test_torchdiffeq_alone_does_leave_the_grid():
    """The trap that the bridge is for: without step_t, dopri5 evaluates past the end."""
    from torchdiffeq import odeint

    seen = []
    odeint(
        lambda t, y: seen.append(float(t)) or -y,
        torch.ones(1),
        torch.tensor([1.0, 0.1]),
        method="dopri5",
        rtol=1e-3,
        atol=1e-3,
    )
    assert min(seen) < 0.1


@pytest.mark.parametrize("name", ADAMS)
@pytest.mark.parametrize("max_order", [4, 5, 6])
def test_adams_methods(name, max_order):
    """Of order 2 on a smooth grid, as their coefficients are those of equal steps; of more on a uniform one."""
    spec = f"torchdiffeq-{name}"
    (coarse, _), (fine, result) = (error(spec, EDM, n, max_order=max_order) for n in (200, 400))
    assert math.log2(coarse / fine) == pytest.approx(2, abs=0.3)
    sde = zoo.EDM(sigma_min=1.0, sigma_max=3.0)
    uneven = [error(spec, sde, n, grid="uniform", max_order=max_order)[0] for n in (16, 32)]
    assert math.log2(uneven[0] / uneven[1]) > 2.7
    solver = zoo.solver(spec, max_order=max_order)
    if name == "explicit-adams":
        for steps in (1, 2, 3, 9):
            assert error(spec, EDM, steps, max_order=max_order)[1].nfe == solver.nfe(steps)
        assert solver.nfe(400) == 406
    else:
        assert solver.nfe(400) is None
        assert result.nfe > 2 * 400


def test_adams_refuses_grids_that_are_not_smooth():
    grid = zoo.Grid(EDM, [5.0, 3.0, 1.0, 0.05], smooth=False)
    for name in ADAMS:
        with pytest.raises(zoo.IncompatibleError, match="equal steps"):
            zoo.sample(target(EDM), f"torchdiffeq-{name}", grid=grid, x=X)


def test_an_iteration_that_diverges_is_an_error_that_names_the_step():
    model = zoo.FunctionModel(lambda x, t: 5 * (3 * x).cos(), sde=zoo.EDM(), prediction="x0")
    with pytest.raises(zoo.IncompatibleError, match=r"does not converge in step 3 of 4.*Take more steps"):
        zoo.sample(model, "torchdiffeq-implicit-adams", grid=[0.1, 0.09, 0.08, 0.011, 0.01], x=X)


def test_a_tolerance_out_of_reach_is_an_error_that_says_what_to_do():
    model = zoo.FunctionModel(lambda x, t: x + x**3, sde=EDM, prediction="x0")  # leaves every bound at a finite time
    with pytest.raises(zoo.ZooError, match=r"gave up in step 2 of 2.*raise rtol and atol"):
        zoo.sample(model, "torchdiffeq-dopri5", grid=[5.0, 4.9, 0.05], x=X)


@pytest.mark.parametrize(("name", "step"), [("dopri5", 3), ("scipy-solver", 3), ("explicit-adams", 4), ("rk4", 3)])
def test_a_model_that_fails_is_named_with_its_step(name, step):
    """The third step ends beyond 0.4; Adams-Bashforth looks there when the fourth begins."""

    def fn(x, t):
        return torch.where(t[:, None] < 0.4, torch.nan, 0.5 * x)

    model = zoo.FunctionModel(fn, sde=EDM, prediction="x0")
    with pytest.raises(zoo.ModelError, match=f"step {step} of 4"):
        zoo.sample(model, f"torchdiffeq-{name}", grid=[5.0, 2.0, 1.0, 0.2, 0.05], x=X)


def test_who_resumes_and_who_says_that_it_does_not():
    model, grid = target(OU), zoo.grid("karras").make_grid(OU, 5)
    noise = zoo.SeededNoise(0, range(6), (2,), torch.float64)
    for name in (*FIXED, *ADAPTIVE, *ADAMS):
        solver = zoo.solver(f"torchdiffeq-{name}")
        states = list(solver.solve(model, X, grid, noise))
        assert [state.index for state in states] == [1, 2, 3, 4, 5]
        assert solver.facts().resumable == (name in FIXED)
        if name in FIXED:
            *_, last = solver.solve(model, X * torch.nan, grid, noise, states[2])
            assert torch.equal(last.x, states[-1].x)
        else:
            with pytest.raises(zoo.IncompatibleError, match="cannot resume"):
                next(iter(solver.solve(model, X, grid, noise, states[2])))


def test_coupling_is_as_declared():
    for name in (*FIXED, *ADAPTIVE, *ADAMS):
        solver = zoo.solver(f"torchdiffeq-{name}")
        whole = zoo.sample(target(OU), solver, steps=4, grid="karras", x=X).x
        alone = zoo.sample(target(OU), solver, steps=4, grid="karras", x=X[:1]).x
        assert torch.equal(whole[:1], alone) != solver.facts().batch_coupled, name


def test_encoding_and_back():
    up, down = [0.02, 0.1, 0.5, 1.5, 3.0], [3.0, 1.5, 0.5, 0.1, 0.02]
    solver = zoo.solver("torchdiffeq-dopri5", rtol=1e-9, atol=1e-9)
    there = zoo.sample(target(OU), solver, grid=up, x=X).x
    assert torch.allclose(there, flow(OU, X, 0.02, 3.0), atol=1e-7)
    assert torch.allclose(zoo.sample(target(OU), solver, grid=down, x=there).x, X, atol=1e-6)


def test_alpha_zero_at_the_start():
    """In t all run; the variables that divide by alpha say why not."""
    sde = zoo.sde("rectified-flow")
    model = zoo.Gaussian(mean=[MEAN, MEAN], cov=VAR, sde=sde)
    grid = zoo.Grid(sde, [1.0, 0.9, 0.7, 0.4, 0.1])
    for name in ("rk4", "dopri5"):
        x = zoo.sample(model, f"torchdiffeq-{name}", grid=grid, x=X).x
        assert (x - flow(sde, X, 1.0, 0.1)).abs().max() < 2e-2
        assert "alpha = 0" in zoo.solver(f"torchdiffeq-{name}", variable="lam").supports(sde, grid)


def test_gradients_flow_through():
    x = X.clone().requires_grad_()
    zoo.sample(target(OU), "torchdiffeq-rk4", steps=3, grid="karras", x=x, grad=True).x.sum().backward()
    assert x.grad.abs().min() > 0


def test_cards_agree_with_the_installed_library(monkeypatch):
    odeint = importlib.import_module("torchdiffeq._impl.odeint")
    assert zoo_torchdiffeq.doctor() == []
    changed = {key: value for key, value in odeint.SOLVERS.items() if key != "bosh3"} | {"tsit5": None}
    monkeypatch.setattr(odeint, "SOLVERS", changed)
    assert [line.split("'")[1] for line in zoo_torchdiffeq.doctor()] == ["bosh3", "tsit5"]


def test_importing_the_plugin_imports_neither_library():
    code = "import sys, zoo_torchdiffeq, zoo_torchsde; print([m for m in ('torch', 'numpy', 'scipy', 'torchdiffeq', 'torchsde') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
