"""DPM-Solver and DPM-Solver++: exponential integrators in the half log-SNR."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_dpm.dpm_solver_1 import DPMSolver1
from zoo_dpm.dpm_solver_2 import DPMSolver2
from zoo_dpm.dpm_solver_3 import DPMSolver3
from zoo_dpm.dpm_solver_adaptive import DPMSolver12, DPMSolver23
from zoo_dpm.dpm_solver_fast import DPMSolverFast
from zoo_dpm.dpm_solver_v3 import DPMSolverV3
from zoo_dpm.dpmpp_2m import DPMSolverPP2M
from zoo_dpm.dpmpp_2s import DPMSolverPP2S
from zoo_dpm.dpmpp_3s import DPMSolverPP3S
from zoo_dpm.ttm import TTM


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [
        DPMSolver1,
        DPMSolver2,
        DPMSolver3,
        DPMSolverFast,
        DPMSolver12,
        DPMSolver23,
        DPMSolverPP2S,
        DPMSolverPP3S,
        DPMSolverPP2M,
        DPMSolverV3,
        TTM,
    ]
