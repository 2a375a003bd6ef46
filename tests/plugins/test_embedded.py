"""Embedded pairs under step-size control, by name: what they cost, and that no evaluation is made twice."""

from __future__ import annotations

import pytest
import torch
from flow_cases import exact_end, gaussian, karras, start

import solvers_zoo as zoo
from solvers_zoo.solving import adaptive_steps

VP = zoo.VP(t_min=0.01, t_max=0.93)
PAIRS = {
    "adaptive-bosh3": "bogacki-shampine",
    "adaptive-dopri5": "dormand-prince",
    "adaptive-tsit5": "tsitouras",
    "adaptive-dopri8": "dormand-prince-8",
}


@pytest.mark.parametrize("variable", list(zoo.VARIABLES))
@pytest.mark.parametrize("name", PAIRS)
def test_error_follows_the_tolerance(name, variable):
    model, grid, x = gaussian(VP, "eps"), karras(VP, 20), start()
    end, errors = exact_end(x, grid[0], grid[-1]), []
    for tol in (1e-3, 1e-5, 1e-7):
        got = zoo.sample(model, solver=zoo.solver(name, rtol=tol, atol=tol, variable=variable), grid=grid, x=x)
        errors.append((got.x - end).abs().max().item())
        assert errors[-1] < 30 * tol
    assert errors[2] < errors[1] / 10 < errors[0] / 100


@pytest.mark.parametrize("name", PAIRS)
def test_it_is_adaptive_of_the_pair(name):
    model, grid, x = gaussian(VP), karras(VP, 20), start()
    named = zoo.sample(model, solver=name, grid=grid, x=x)
    general = zoo.sample(model, solver=f"adaptive({PAIRS[name]})", grid=grid, x=x)
    assert torch.equal(named.x, general.x)
    assert named.nfe == general.nfe


@pytest.mark.parametrize(
    ("name", "stages", "same"), [("adaptive-bosh3", 4, 1), ("adaptive-dopri5", 7, 1), ("adaptive-dopri8", 13, 0)]
)
def test_first_same_as_last(name, stages, same):
    """Accepted or rejected, every attempt but the first begins where the model has been asked; not so without a last stage."""
    solver = zoo.solver(name, rtol=1e-6, atol=1e-6, max_factor=20.0, safety=1.0)
    got = zoo.sample(gaussian(VP), solver=solver, grid=zoo.Grid(VP, [0.93, 0.4, 0.01]), x=start(1))
    attempts = int(got.stats["accepted"] + got.stats["rejected"])
    assert got.stats["rejected"] > 0
    assert got.nfe == stages * attempts - same * (attempts - 1) == got.stats["evaluations"].item()


@pytest.mark.parametrize("name", ["adaptive-bosh3", "adaptive-tsit5"])
def test_what_is_recalled_is_what_the_model_says(name, monkeypatch):
    """Asked every time, it gives the same bits at a higher cost."""
    model, grid = gaussian(VP), karras(VP, 20)
    x = start(5) * torch.tensor([0.1, 1, 2, 5, 9], dtype=torch.float64)[:, None]
    solver = zoo.solver(name, rtol=1e-5, atol=1e-6, safety=1.0)
    recalled = zoo.sample(model, solver=solver, grid=grid, x=x)
    monkeypatch.setattr(adaptive_steps.Recall, "next_start", lambda *_: None)
    asked = zoo.sample(model, solver=solver, grid=grid, x=x)
    assert recalled.stats["rejected"].max() > 0
    assert torch.equal(recalled.x, asked.x)
    assert recalled.nfe < asked.nfe


@pytest.mark.parametrize("name", ["adaptive-bosh3", "adaptive-dopri5"])
def test_a_sample_alone_is_itself_in_any_batch(name):
    model, grid = gaussian(VP), karras(VP, 10)
    x = start(5) * torch.tensor([0.1, 1, 2, 5, 9], dtype=torch.float64)[:, None]
    solver = zoo.solver(name, rtol=1e-5, atol=1e-6)
    together = zoo.sample(model, solver=solver, grid=grid, x=x)
    for i in range(5):
        alone = zoo.sample(model, solver=solver, grid=grid, x=x[i : i + 1])
        assert torch.equal(alone.x[0], together.x[i])
        assert alone.stats["evaluations"].item() == together.stats["evaluations"][i]
