"""Multistep methods on the probability flow."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_multistep.adams import LMS2, LMS3, LMS4
from zoo_multistep.deis import DEIS1, DEIS2, DEIS3
from zoo_multistep.dpm_multistep import DPMSolver2M, DPMSolver3MPublished, DPMSolverPP3MPublished
from zoo_multistep.exponential_adams import DataAdams2, DataAdams3, DataAdams4, NoiseAdams2, NoiseAdams3, NoiseAdams4
from zoo_multistep.gradient_estimation import GradientEstimation
from zoo_multistep.ipndm import IPNDM2, IPNDM3, IPNDM4
from zoo_multistep.pndm import PNDM
from zoo_multistep.unipc import UniP, UniPC, UniPC2
from zoo_multistep.v_adams import VAdams2, VAdams3, VAdams4


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [
        LMS2,
        LMS3,
        LMS4,
        IPNDM2,
        IPNDM3,
        IPNDM4,
        PNDM,
        DEIS1,
        DEIS2,
        DEIS3,
        VAdams2,
        VAdams3,
        VAdams4,
        GradientEstimation,
        DataAdams2,
        DataAdams3,
        DataAdams4,
        NoiseAdams2,
        NoiseAdams3,
        NoiseAdams4,
        DPMSolver2M,
        DPMSolver3MPublished,
        DPMSolverPP3MPublished,
        UniP,
        UniPC,
        UniPC2,
    ]
