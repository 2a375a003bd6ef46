"""DPM-Solver-12 and -23: adaptive steps, each sample its own, from two orders that share their evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import AdaptiveSteps, SolverCard, Source, StepSolver, option
from zoo_dpm.dpm_solver_2 import DPMSolver2
from zoo_dpm.dpm_solver_3 import DPMSolver3

if TYPE_CHECKING:
    pass


def _card(name: str, title: str) -> SolverCard:
    return SolverCard(
        name=name,
        title=title,
        family="dpm",
        evaluations=None,
        adaptive=True,
        affine=False,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="the adaptive schedules DPM-Solver-12 and -23; PID control as in k-diffusion's sample_dpm_adaptive",
        ),
    )


class DPMSolverAdaptive(AdaptiveSteps):
    r"""Steps of `stepper`, a DPM-Solver of order k, whose error is its distance to the method of order k - 1 on the same stages.

        err = rms over coordinates of  (x_high - x_low) / (atol + rtol max(|x_t|, |x_s|));  accepted if err <= 1
        h <- h safety err^(-(P + I + D)/k) err_1^((P + 2 D)/k) err_2^(-D/k)

    The accepted state is x_high. P = D = 0 and I = 1 is the paper's rule; err_1 and err_2 are the errors of the last two accepted
    steps. Tolerances and factors are the paper's; it takes the larger of atol and rtol max(..), and one step for a whole
    batch, here each sample has its own.
    """

    rtol: float = option(0.05, help="tolerated error of a step, relative to the state", low=0.0)
    atol: float = option(0.0078, help="tolerated error of a step, absolute, in units of the data", above=0.0)
    clock: str = option("lam", help="the variable that step sizes are measured in: the paper's", choices=("lam",))
    pcoeff: float = option(0.0, help="P of the PID control, the weight of the error's last change")
    icoeff: float = option(1.0, help="I of the PID control, the weight of the error itself", above=0.0)


class DPMSolver12(DPMSolverAdaptive):
    """DPM-Solver-2 with DPM-Solver-1 embedded, in steps h <- h safety err^(-1/2): two evaluations an attempt."""

    card = _card("dpm-solver-12", "DPM-Solver-12 (adaptive)")

    @property
    def stepper(self) -> StepSolver:
        """DPM-Solver-2 at r1 = 1/2, and DPM-Solver-1 from its first evaluation."""
        return DPMSolver2()


class DPMSolver23(DPMSolverAdaptive):
    """DPM-Solver-3 with DPM-Solver-2 embedded, in steps h <- h safety err^(-1/3): three evaluations an attempt."""

    card = _card("dpm-solver-23", "DPM-Solver-23 (adaptive)")

    @property
    def stepper(self) -> StepSolver:
        """DPM-Solver-3 at r1 = 1/3, r2 = 2/3, and DPM-Solver-2 from its first two evaluations."""
        return DPMSolver3()
