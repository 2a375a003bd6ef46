"""Measure what the pages on concepts and on the choice of a solver draw; called by ``docs/figures.py``."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from zoo_lectures.ranking.numbers import STARTS
from zoo_lectures.ranking.study import problem as plane

import solvers_zoo as zoo
from solvers_zoo.exact import reference_flow
from solvers_zoo.metrics import sliced_w1
from solvers_zoo.testing.problems import mixture_2d

N = 4000
BUDGETS = (5, 6, 8, 10, 12, 16, 20, 28, 40)
FLOW = ("ddim", "heun", "dpmpp-2m", "ipndm-3", "unipc-3")


def concepts() -> dict[str, Any]:
    """All of them, by name."""
    return {
        "forward": forward(),
        "score": score(),
        "flow": flow(),
        "path": path(),
        "grids": grids(),
        "guidance": guidance(),
        "score_error": score_error(),
        "likelihood": likelihood(),
    }


def short(value: Any) -> Any:
    """Numbers with three digits."""
    if isinstance(value, Tensor):
        value = value.tolist()
    return [short(each) for each in value] if isinstance(value, list | tuple) else float(f"{float(value):.3g}")


def three_modes(sde: Any) -> Any:
    """Three modes on the line."""
    return zoo.Mixture([0.3, 0.3, 0.4], [[-1.7], [0.1], [1.7]], [0.04] * 3, sde=sde)


def forward() -> dict[str, Any]:
    """Exact quantiles of three modes on their way to noise, and paths of the forward process between exact transitions."""
    model = three_modes(zoo.OU())
    times = [3.0 * (i / 60) ** 2 for i in range(61)]
    quantiles = []
    for t in times:
        x = model.draw(
            model.sde.at(max(t, model.sde.t_min)), zoo.SeededNoise(0, range(20000), (1,), torch.float64).data()
        )
        quantiles.append(x.flatten().quantile(torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95], dtype=torch.float64)))
    noise = zoo.SeededNoise(3, range(5), (1,), torch.float64)
    x = model.draw(model.sde.at(model.sde.t_min), noise.data())
    paths = [x.flatten()]
    for i in range(1, len(times)):
        h = times[i] - times[i - 1]
        x = math.exp(-h) * x + math.sqrt(-math.expm1(-2 * h)) * noise.at(i).fresh()
        paths.append(x.flatten())
    return {"times": short(times), "quantiles": short(torch.stack(quantiles).T), "paths": short(torch.stack(paths).T)}


def score() -> list[dict[str, Any]]:
    """The score times sigma, which is minus the predicted noise, on a lattice at three levels of noise."""
    model: Any = plane()[0]
    side = torch.linspace(-2.4, 2.4, 13, dtype=torch.float64)
    x = torch.cartesian_prod(side, side)
    found = []
    for sigma in (0.2, 0.7, 2.0):
        point = model.sde.at_rho(sigma)
        found.append({"sigma": sigma, "x": short(x), "arrow": short(-model(x, point).eps)})
    return found


def flow() -> dict[str, Any]:
    """Eleven starts carried to three modes: by the flow, and by the reverse SDE."""
    model = three_modes(zoo.OU(t_min=0.01, t_max=3.0))
    u = torch.linspace(0.04, 0.96, 13, dtype=torch.float64)
    x = math.sqrt(2) * torch.erfinv(2 * u - 1)[:, None]
    times = [3.0 - (3.0 - 0.01) * (i / 120) for i in range(121)]
    found: dict[str, Any] = {"times": short(times)}
    for name, solver in (("flow", "rk4"), ("sde", "exponential-sde")):
        states = zoo.sample(model, solver, grid=times, x=x, seed=5, trajectory=True).trajectory
        found[name] = short(torch.stack([state.flatten() for state in states]).T)
    return found


def path() -> dict[str, Any]:
    """One start and its exact path, and the points through which three solvers take it in five steps."""
    problem = mixture_2d()
    model, sde = problem.model, problem.model.sde
    x = torch.tensor([[-0.6, -2.2]], dtype=torch.float64)
    levels = [2.0 * (0.05 / 2.0) ** (i / 40) for i in range(41)]
    exact = [x[0]] + [reference_flow(model, x, sde.at(sde.t_max), sde.at_rho(s))[0] for s in levels[1:]]
    found = {"exact": short(torch.stack(exact))}
    for solver, steps in (("ddim", 5), ("heun", 5), ("dpmpp-2m", 5)):
        states = zoo.sample(model, solver, grid=problem.grid(steps), x=x, trajectory=True).trajectory
        found[solver] = short(torch.stack([state[0] for state in states]))
    return found


def grids() -> dict[str, Any]:
    """The levels sigma of each rule's ten steps on EDM."""
    sde = zoo.EDM()
    found = {}
    for card in zoo.grids():
        try:
            times = zoo.grid(card.name).make_grid(sde, 10)
        except zoo.ZooError:
            continue
        found[card.name] = short([point.rho for point in times])
    return found


def guidance() -> dict[str, Any]:
    """Distance from the exact guided flow over evaluations, for three strengths; two classes of two modes each."""
    sde = zoo.EDM()
    every = zoo.Mixture([0.25] * 4, [[-1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]], [0.09] * 4, sde=sde)
    asked = zoo.Mixture([0.5] * 2, [[1.0, 1.0], [1.0, -1.0]], [0.09] * 2, sde=sde)

    def net(x: Tensor, t: Tensor, asked_for: bool = False) -> Tensor:
        return (asked if asked_for else every)(x, sde.at(t[:, None])).x0

    model = zoo.FunctionModel(net, sde=sde, prediction="x0", shape=(2,))
    found: dict[str, Any] = {}
    start = 80.0 * torch.tensor(STARTS, dtype=torch.float64)
    for scale in (1.0, 3.0, 8.0):
        guided = zoo.Guided(model, scale=scale, condition={"asked_for": True})
        end = zoo.sample(guided, "rk4", steps=1500, grid="log-snr", x=start).x
        curves = {}
        for solver in FLOW:
            points = []
            for steps in BUDGETS:
                done = zoo.sample(
                    guided, solver, steps=max(1, steps // (2 if solver == "heun" else 1)), grid="log-snr", x=start
                )
                points.append((done.nfe // 2, (done.x - end).square().mean().sqrt()))
            curves[solver] = short(points)
        found[f"{scale:g}"] = curves
    return found


def score_error() -> dict[str, Any]:
    """Sliced Wasserstein distance of samples over evaluations, of an exact score and of one with a constant error."""
    model: Any = zoo.Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.09, 0.25], sde=zoo.VP())
    target = model.draw(model.sde.at(model.sde.t_min), zoo.SeededNoise(1, range(N), (2,), torch.float64).data())
    found: dict[str, Any] = {}
    for label, used in (("exact", model), ("wrong", zoo.ScoreError(model, 0.3))):
        curves = {}
        for solver in ("ddim", "dpmpp-2m", "unipc-3", "ddpm", "dpmpp-2m-sde", "er-sde-3"):
            points = []
            for nfe in (8, 12, 20, 40, 80, 160):
                done = zoo.sample(used, solver, nfe=nfe, grid="log-snr", n=N, dtype=torch.float64)
                points.append((done.nfe, sliced_w1(done.x, target)))
            curves[solver] = short(points)
        found[label] = curves
    return found


def likelihood() -> dict[str, Any]:
    """Root mean square error of log p, in nats, over evaluations."""
    model: Any = zoo.model("mixture-2d")
    x = model.draw(model.sde.at(model.sde.t_min), zoo.SeededNoise(0, range(64), (2,), torch.float64).data())
    exact = model.log_density(x, model.sde.at(model.sde.t_min))
    found = {}
    for solver in ("ddim", "heun", "rk4", "dormand-prince", "dormand-prince-8", "unipc-3"):
        points = []
        for nfe in (12, 24, 36, 60, 96, 144, 240):
            try:
                done = zoo.log_likelihood(model, x, solver, nfe=nfe, time_error=False)
            except zoo.ZooError:
                continue
            points.append((done.nfe, (done.log_p - exact).square().mean().sqrt()))
        found[solver] = short(points)
    return found
