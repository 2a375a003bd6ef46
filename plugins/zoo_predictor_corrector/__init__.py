"""Predictor-corrector sampling: a step of any solver, then Langevin steps at the noise level it reached."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_predictor_corrector.batch_mean import BatchMeanPredictorCorrector
from zoo_predictor_corrector.predictor_corrector import PredictorCorrector


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [PredictorCorrector, BatchMeanPredictorCorrector]
