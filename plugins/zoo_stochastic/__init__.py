"""Exponential and multistep integrators of the reverse SDE."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_stochastic.dpmpp_2m_sde import DPMSolverPP2MSDE, SDEDPMSolver2M
from zoo_stochastic.dpmpp_3m_sde import DPMSolverPP3MSDE, DPMSolverPP3MSDEPublished
from zoo_stochastic.er_sde import ERSDE1, ERSDE2, ERSDE3, ERSDE3Published
from zoo_stochastic.sa_solver import SASolver, SASolverPECE
from zoo_stochastic.seeds import SEEDS2, SEEDS3


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [
        DPMSolverPP2MSDE,
        SDEDPMSolver2M,
        DPMSolverPP3MSDE,
        DPMSolverPP3MSDEPublished,
        SASolver,
        SASolverPECE,
        ERSDE1,
        ERSDE2,
        ERSDE3,
        ERSDE3Published,
        SEEDS2,
        SEEDS3,
    ]
