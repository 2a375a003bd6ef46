"""k-diffusion's samplers."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from harness import EDM, MODEL, Handed, Row, difference, in_turn, mended, normals
from torch import Tensor

import solvers_zoo as zoo
from solvers_zoo.bench.overhead import import_k_diffusion, replaced

#: Noise levels; uneven, so that weights of equal steps would show.
SIGMAS = [20.0, 11.0, 7.5, 3.0, 2.0, 1.1, 0.5, 0.3, 0.11, 0.06, 0.02]
CHURN = {"s_churn": 4.0, "s_tmin": 0.05, "s_tmax": 8.0, "s_noise": 1.003}
CHURNED = "S_churn=4,S_tmin=0.05,S_tmax=8,S_noise=1.003"
HEUN = {"solver_type": "heun"}
SOME = {"eta": 0.6}
NONE = {"eta": 0.0}
TWICE = ("- phi_3 * d2", "- 2 * phi_3 * d2")
HALF = "its second difference has half the weight of the exact integral"

ROWS = [
    Row("sample_euler", "euler"),
    Row("sample_euler", f"euler-churn({CHURNED})", CHURN, draws="fresh", to_zero=False),
    Row("sample_heun", "heun"),
    Row("sample_heun", f"edm-stochastic({CHURNED})", CHURN, draws="fresh", to_zero=False),
    Row("sample_dpm_2", "dpm-solver-2"),
    *(Row("sample_lms", f"lms-{order}", {"order": order}, to_zero=False) for order in (2, 3, 4)),
    Row("sample_euler_ancestral", "euler-ancestral"),
    Row("sample_euler_ancestral", "euler-ancestral(eta=0.6)", SOME),
    Row("sample_euler_ancestral", "ddpm"),
    Row("sample_dpm_2_ancestral", "dpm2-ancestral"),
    Row("sample_dpm_2_ancestral", "dpm2-ancestral(eta=0.6)", SOME),
    Row("sample_dpmpp_2s_ancestral", "dpmpp-2s-ancestral"),
    Row("sample_dpmpp_2s_ancestral", "dpmpp-2s-ancestral(eta=0.6)", SOME),
    Row("sample_dpmpp_2s_ancestral", "dpmpp-2s", NONE),
    Row("sample_dpmpp_sde", "dpmpp-sde", draws="bridge"),
    Row("sample_dpmpp_sde", "dpmpp-sde(eta=0.6)", SOME, draws="bridge"),
    Row("sample_dpmpp_sde", "dpmpp-2s", NONE, draws="bridge"),
    Row("sample_dpmpp_2m", "dpmpp-2m"),
    Row("sample_dpmpp_2m_sde", "dpmpp-2m-sde"),
    Row("sample_dpmpp_2m_sde", "dpmpp-2m-sde(eta=0.6)", SOME),
    Row("sample_dpmpp_2m_sde", "dpmpp-2m-sde(solver_type=heun)", HEUN),
    Row("sample_dpmpp_2m_sde", "dpmpp-2m-sde(eta=0.6,solver_type=heun)", {**SOME, **HEUN}),
    Row("sample_dpmpp_2m_sde", "res-2m", {**NONE, **HEUN}),
    Row("sample_dpmpp_3m_sde", "dpmpp-3m-sde-published"),
    Row("sample_dpmpp_3m_sde", "dpmpp-3m-sde-published(eta=0.6)", SOME),
    Row("sample_dpmpp_3m_sde", "dpmpp-3m-sde-published(eta=0)", NONE),
    Row("sample_dpmpp_3m_sde", "dpmpp-3m-sde", mend=TWICE, differs=HALF),
    Row("sample_dpmpp_3m_sde", "dpmpp-3m", NONE, mend=TWICE, differs=HALF),
    Row("sample_dpm_fast", "dpm-solver-fast", {"n": 11}, to_zero=False),
    Row("sample_dpm_adaptive", "dpm-solver-2", {"order": 2}, to_zero=False),
    Row("sample_dpm_adaptive", "dpm-solver-3", {"order": 3}, to_zero=False),
]


def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
    """The model as k-diffusion calls it: the data prediction at a noise level a sample."""
    return MODEL.predict(x, EDM.at(float(sigma[0])))


def on_levels(row: Row, x: Tensor, levels: list[float]) -> Tensor:
    """Run a sampler that is given its noise levels."""
    function = mended(getattr(import_k_diffusion(), row.peer), row.mend)
    settings: dict[str, Any] = dict(row.settings)
    if "noise_sampler" in inspect.signature(function).parameters:
        settings["noise_sampler"] = in_turn(row.draws)
    with replaced(torch, randn_like=in_turn(row.draws)):
        end: Tensor = function(denoiser, x, torch.tensor(levels, dtype=torch.float64), disable=True, **settings)
    return end


def on_its_own(row: Row, x: Tensor) -> tuple[Tensor, list[float]]:
    """Run a sampler that chooses its levels; also give them, with as many intervals to a step as it has evaluations.

    DPM-Solver-fast in the zoo takes k intervals of the grid by a step of order k, and k-diffusion's steps are all equally long.
    """
    seen = [SIGMAS[0]]

    def look(info: dict[str, Any]) -> None:
        seen.append(float(info["sigma"]))

    function = getattr(import_k_diffusion(), row.peer)
    torch.set_default_dtype(torch.float64)  # the type in which it makes its levels
    try:
        end = function(denoiser, x, SIGMAS[-1], SIGMAS[0], callback=look, disable=True, **row.settings)
    finally:
        torch.set_default_dtype(torch.float32)
    if row.peer == "sample_dpm_adaptive":
        return end, list(dict.fromkeys(seen))  # an attempt that was rejected stays where it was
    steps, ratio = len(seen) - 1, SIGMAS[-1] / SIGMAS[0]
    thirds = [SIGMAS[0] * ratio ** (i / (3 * steps)) for i in range(3 * steps - 2)]
    return end, [*thirds, thirds[-1] * ratio ** (1 / (2 * steps)), SIGMAS[-1]]


def compare(row: Row, to_zero: bool = False) -> float:
    """Relative difference of the ends, with a last step to 0 or without it."""
    x = SIGMAS[0] * normals(0)
    if row.peer in ("sample_dpm_fast", "sample_dpm_adaptive"):
        theirs, levels = on_its_own(row, x)
    else:
        levels = SIGMAS
        theirs = on_levels(row, x, [*levels, 0.0] if to_zero else levels)
    ours = zoo.sample(MODEL, row.solver, grid=levels, x=x, noise=Handed(), denoise=to_zero)
    return difference(ours.x, theirs)
