"""Which of the zoo's solvers are which of a peer's: the agreement tests hold every pair to the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from solvers_zoo import registry


@dataclass(frozen=True)
class Pair:
    """A solver of the zoo, and a peer's function or class with the settings that make it the same."""

    solver: str
    library: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> float | None:
        """The ratio asked for: .35 or .5 of k-diffusion, .25 of diffusers; of azula none is."""
        if self.library == "k-diffusion":
            return 0.35 if self.name in ("sample_euler", "sample_heun", "sample_dpmpp_2m") else 0.5
        return 0.25 if self.library == "diffusers" else None


def _k(solver: str, name: str, **settings: Any) -> Pair:
    return Pair(solver, "k-diffusion", f"sample_{name}", settings)


def _d(solver: str, name: str, **settings: Any) -> Pair:
    return Pair(solver, "diffusers", f"{name}Scheduler", settings)


def _a(solver: str, name: str, **settings: Any) -> Pair:
    return Pair(solver, "azula", f"{name}Sampler", settings)


_FULL = {"lower_order_final": False}
_MIN = {"final_sigmas_type": "sigma_min"}
_PLAIN = {"clip_sample": False}
_EVEN = {"use_exponential_sigmas": True}
_TABLE = {"set_alpha_to_one": False, "steps_offset": 1}
_SDE = {"algorithm_type": "sde-dpmsolver++"}
_EPS = {"algorithm_type": "dpmsolver", **_MIN}
_MULTI, _SINGLE, _UNIPC = "DPMSolverMultistep", "DPMSolverSinglestep", "UniPCMultistep"

PAIRS = (
    _k("euler", "euler"),
    _k("heun", "heun"),
    _k("dpm-solver-2", "dpm_2"),
    _k("lms-4", "lms", order=4),
    _k("euler-ancestral", "euler_ancestral"),
    _k("dpm2-ancestral", "dpm_2_ancestral"),
    _k("dpmpp-2s-ancestral", "dpmpp_2s_ancestral"),
    _k("dpmpp-sde", "dpmpp_sde"),
    _k("dpmpp-2m", "dpmpp_2m"),
    _k("dpmpp-2m-sde", "dpmpp_2m_sde"),
    _k("dpmpp-2m-sde(solver_type=heun)", "dpmpp_2m_sde", solver_type="heun"),
    _k("dpmpp-3m-sde-published", "dpmpp_3m_sde"),
    _k("dpm-solver-fast", "dpm_fast"),
    _k("dpm-solver-23", "dpm_adaptive"),
    _d("ddim", "DDIM", **_PLAIN),
    _d("ddim(eta=0.6)", "DDIM", **_PLAIN, **_TABLE, eta=0.6),
    _d("ddim", "DDIMInverse", **_PLAIN, **_TABLE),
    _d("ddpm", "DDPM", **_PLAIN),
    _d("pndm", "PNDM", **_TABLE),
    _d("ipndm-4", "IPNDM"),
    _d("euler", "EulerDiscrete"),
    _d("euler-ancestral", "EulerAncestralDiscrete"),
    _d("heun", "HeunDiscrete"),
    _d("dpm-solver-2", "KDPM2Discrete"),
    _d("dpm2-ancestral", "KDPM2AncestralDiscrete"),
    _d("dpmpp-sde", "DPMSolverSDE"),
    _d("lms-4", "LMSDiscrete", order=4),
    _d("ddim", _MULTI, **_FULL, solver_order=1),
    _d("dpmpp-2m", _MULTI, **_FULL),
    _d("dpmpp-3m-published", _MULTI, **_FULL, solver_order=3),
    _d("dpm-solver-2m", _MULTI, **_FULL, **_EPS),
    _d("dpm-solver-3m-published", _MULTI, **_FULL, **_EPS, solver_order=3),
    _d("dpmpp-2m-sde", _MULTI, **_FULL, **_SDE),
    _d("dpmpp-2s", _SINGLE, **_EVEN, **_MIN),
    _d("dpm-solver-2", _SINGLE, **_EVEN, **_EPS),
    _d("dpmpp-3s", _SINGLE, **_EVEN, **_MIN, solver_order=3),
    _d("dpm-solver-3", _SINGLE, **_EVEN, **_EPS, solver_order=3),
    _d("unipc(order=2,b=bh2)", _UNIPC, **_FULL, **_MIN, solver_order=2, solver_type="bh2"),
    _d("unipc(order=3,b=bh2)", _UNIPC, **_FULL, **_MIN, solver_order=3, solver_type="bh2"),
    _d("exp-adams-eps-2", "DEISMultistep", **_FULL, solver_order=2),
    _d("dpm-solver-3m", "DEISMultistep", **_FULL, solver_order=3),
    _d("sa-solver", "SASolver", predictor_order=3, corrector_order=4, **_FULL),
    _d("euler", "EDMEuler"),
    _d("dpmpp-2m", "EDMDPMSolverMultistep", **_FULL),
    _d("dpmpp-2m-sde", "EDMDPMSolverMultistep", **_FULL, **_SDE),
    _d("dpmpp-2m-sde", "CosineDPMSolverMultistep", **_FULL),
    _d("euler", "FlowMatchEulerDiscrete"),
    _d("heun(variable=t)", "FlowMatchHeunDiscrete"),
    _d("euler-ancestral-rf", "LTXEulerAncestralRF"),
    _a("euler", "Euler"),
    _a("ddim", "DDIM"),
    _a("ddim(eta=0.6)", "DDIM", eta=0.36),  # azula's eta multiplies the variance
    _a("ddpm", "DDPM"),
    _a("heun", "Heun"),
    _a("lms-2", "zAB", order=2),
    _a("lms-3", "zAB", order=3),
    _a("lms-4", "zAB", order=4),
    _a("v-adams-2", "vAB", order=2),
    _a("v-adams-3", "vAB", order=3),
    _a("v-adams-4", "vAB", order=4),
    _a("exp-adams-eps-2", "zEAB", order=2),
    _a("dpm-solver-3m", "zEAB", order=3),
    _a("exp-adams-eps-4", "zEAB", order=4),
    _a("res-2m", "xEAB", order=2),
    _a("dpmpp-3m", "xEAB", order=3),
    _a("exp-adams-4", "xEAB", order=4),
)

#: Settings of diffusers that belong to ``step``.
OF_STEP = (("DDIMScheduler", "eta"), ("LMSDiscreteScheduler", "order"), ("EulerDiscreteScheduler", "s_churn"))


def pairs_for(solver: Any, libraries: Iterable[str]) -> list[Pair]:
    """The pairs of a solver: those whose own is the same, options and all."""
    make = registry.default().make
    wanted, among = make("solver", solver), set(libraries)
    return [pair for pair in PAIRS if pair.library in among and make("solver", pair.solver) == wanted]
