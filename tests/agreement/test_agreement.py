"""Other people's implementations of the same algorithms, fed the same model, grid, start and noise, give the same numbers."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from pathlib import Path

import diffusers_peer
import k_diffusion_peer
import pytest
import torch
from harness import MODEL, Handed, Row, difference, mended
from needs import needs

import solvers_zoo as zoo
from solvers_zoo import Past
from solvers_zoo.bench import overhead

#: Of double precision against double precision, relative to the largest entry of the state.
SAME = 1e-9
#: Of double precision against code that is float32 in part; more has to be in the table of docs/agreement.md.
SINGLE = 1e-6
PAGE = Path(__file__).parents[2] / "docs" / "agreement.md"

#: The schedulers that must be covered.
SCHEDULERS = (
    "DDIM",
    "DDIMInverse",
    "DDPM",
    "PNDM",
    "IPNDM",
    "EulerDiscrete",
    "EulerAncestralDiscrete",
    "HeunDiscrete",
    "KDPM2Discrete",
    "KDPM2AncestralDiscrete",
    "LMSDiscrete",
    "DPMSolverSDE",
    "DPMSolverMultistep",
    "DPMSolverSinglestep",
    "UniPCMultistep",
    "DEISMultistep",
    "SASolver",
    "EDMEuler",
    "EDMDPMSolverMultistep",
    "CosineDPMSolverMultistep",
    "FlowMatchEulerDiscrete",
    "FlowMatchHeunDiscrete",
    "LTXEulerAncestralRF",
)


def named(row: Row) -> str:
    return f"{row}-{row.solver}"


def explained(row: Row) -> bool:
    """Whether a row is the same but for what a test of its own shows."""
    return bool(row.differs) and row.mend is None


@needs("k-diffusion")
@pytest.mark.parametrize("row", k_diffusion_peer.ROWS, ids=named)
def test_k_diffusion(row):
    assert k_diffusion_peer.compare(row) < SAME


@needs("k-diffusion")
@pytest.mark.parametrize("row", [row for row in k_diffusion_peer.ROWS if row.to_zero], ids=named)
def test_k_diffusion_to_zero(row):
    """With a trailing 0 in its grid, which is the zoo's last denoise."""
    assert k_diffusion_peer.compare(row, to_zero=True) < SAME


@needs("diffusers")
@pytest.mark.parametrize("row", [row for row in diffusers_peer.ROWS if not explained(row)], ids=named)
def test_diffusers(row):
    """In the arithmetic of float64, all states of the path."""
    assert diffusers_peer.compare(row) < SAME


@needs("diffusers")
@pytest.mark.parametrize("row", [row for row in diffusers_peer.ROWS if not explained(row)], ids=named)
def test_diffusers_as_shipped(row):
    """In the float32 that it has for its tables and some states; what that costs is in the table."""
    documented = float(
        re.search(
            rf"^\| `{re.escape(str(row))}` \| `{re.escape(row.solver)}` \|.*\| (\S+) \|", PAGE.read_text(), re.MULTILINE
        )[1]
    )
    assert diffusers_peer.compare(row, wide=False) < max(SINGLE, 4 * documented)


@needs("k-diffusion", "diffusers")
@pytest.mark.parametrize("peer", [k_diffusion_peer, diffusers_peer], ids=lambda peer: peer.__name__)
def test_what_differs_differs(peer):
    """Should a peer be mended one day, its row has to be."""
    for row in peer.ROWS:
        if row.differs:
            assert peer.compare(dataclasses.replace(row, mend=None)) > 1e-5, row


@needs("diffusers")
def test_plms_is_ipndm_after_a_step_of_heun():
    """What PNDM without its Runge-Kutta start differs by."""
    (row,) = (row for row in diffusers_peer.ROWS if row.settings.get("skip_prk_steps"))
    levels, states = diffusers_peer.run(row, wide=True)
    sde, solver = diffusers_peer.scale_of(row).sde, zoo.solver("ipndm-4")
    grid, model = zoo.Grid(sde, [level.t for level in levels]), MODEL.on(sde)
    first = zoo.Grid(sde, grid.points[:2])
    x = zoo.sample(model, "heun", grid=first, x=states[0]).x
    assert difference(x, states[1]) < SAME
    memory = (Past(grid[0].t, grid[0].lam, model(states[0], grid[0]).eps),)
    for i, (t, s) in enumerate(grid.intervals()):
        if i:
            x, memory, _ = solver.step(model, x, zoo.Interval(t, s, solver.plan(grid)[i], i), memory, None)
            assert difference(x, states[i + 1]) < SAME


@needs("diffusers")
def test_euler_churn_of_diffusers_asks_the_model_before_it_adds_noise():
    """x_s = x_hat + (sigma_s - sigma_hat) eps(x_t, t), which is not Karras's algorithm."""
    (row,) = (row for row in diffusers_peer.ROWS if "s_churn" in row.settings)
    levels, states = diffusers_peer.run(row, wide=True)
    sigma = [level.sigma for level in levels]
    gamma = min(row.settings["s_churn"] / len(levels[:-1]), 2**0.5 - 1)
    for i, (x, x_s) in enumerate(pairwise(states)):
        hat = (1 + gamma) * sigma[i]
        x_hat = x + (hat**2 - sigma[i] ** 2) ** 0.5 * Handed(i).fresh()
        eps = MODEL(x, MODEL.sde.at(sigma[i])).eps
        assert difference(x_hat + (sigma[i + 1] - hat) * eps, x_s) < SAME


@needs("k-diffusion")
def test_every_sampler_of_k_diffusion_is_compared():
    sampling = overhead.import_k_diffusion()
    assert {name for name in vars(sampling) if name.startswith("sample_")} == {
        row.peer for row in k_diffusion_peer.ROWS
    }


def test_every_scheduler_is_compared():
    assert {f"{name}Scheduler" for name in SCHEDULERS} == {row.peer for row in diffusers_peer.ROWS}


def test_speed_is_compared_between_what_agrees():
    rows = (*k_diffusion_peer.ROWS, *diffusers_peer.ROWS)
    for pair in overhead.PAIRS:
        if pair.library == "azula":
            continue  # held to the same steps beside the benchmark's own tests
        solver = {"dpm-solver-23": "dpm-solver-3"}.get(pair.solver, pair.solver)  # adaptive, on the levels it chose
        assert any(
            (row.peer, row.solver) == (pair.name, solver) and {**row.settings, **pair.settings} == {**row.settings}
            for row in rows
        ), pair


def test_the_page_lists_every_row():
    page = PAGE.read_text()
    for row in (*k_diffusion_peer.ROWS, *diffusers_peer.ROWS):
        assert f"| `{row}` | `{row.solver}` |" in page, row


def test_noise_is_handed_by_address():
    assert torch.equal(Handed().at(3).between(), Handed(3).between())
    drawn = [Handed(i).between() for i in range(3)] + [Handed(i).fresh() for i in range(3)]
    assert not any(torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def test_a_mend_that_is_not_needed_any_more_is_an_error():
    with pytest.raises(AssertionError, match="no 'something else' any more"):
        mended(mended, ("something else", ""))
