"""Ancestral and churning samplers: a step of the probability flow, and noise that undoes a part of it."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_ancestral.cfgpp import CFGPlusPlus
from zoo_ancestral.consistency import Consistency
from zoo_ancestral.dmse import DMSE
from zoo_ancestral.dpm2_ancestral import DPM2Ancestral, DPM2AncestralRF
from zoo_ancestral.dpmpp_2s_ancestral import DPMSolverPP2SAncestral, DPMSolverPP2SAncestralRF
from zoo_ancestral.dpmpp_sde import DPMSolverPPSDE
from zoo_ancestral.edm_stochastic import EDMStochastic
from zoo_ancestral.euler_ancestral import EulerAncestral, EulerAncestralRF
from zoo_ancestral.euler_churn import EulerChurn


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [
        EulerAncestral,
        EulerAncestralRF,
        DPM2Ancestral,
        DPM2AncestralRF,
        DPMSolverPP2SAncestral,
        DPMSolverPP2SAncestralRF,
        DPMSolverPPSDE,
        EulerChurn,
        EDMStochastic,
        DMSE,
        CFGPlusPlus,
        Consistency,
    ]
