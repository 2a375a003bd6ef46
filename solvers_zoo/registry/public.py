"""The public names of `solvers_zoo`, each with the module that it lives in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any
from warnings import warn

#: Module -> the public names that live there. A test holds it to the imports in ``solvers_zoo/__init__.py``.
HOMES = {
    "bench.experiment": "Experiment",
    "editing.interpolate": "Way interpolate",
    "editing.sdedit": "edit",
    "editing.slerp": "slerp",
    "errors": "AmbiguousNameError DomainError IncompatibleError Interrupted ModelError NotFiniteError OptionError PluginError StorageError UnknownNameError ZooError",
    "exact.dispatch": "exact_flow",
    "executors.base": "Executor",
    "interop.as_diffusers": "as_diffusers_scheduler",
    "interop.as_k_diffusion": "as_k_diffusion",
    "interop.from_diffusers": "from_diffusers",
    "interop.from_edm": "from_edm",
    "interop.from_k_diffusion": "from_k_diffusion",
    "interop.from_onnx": "from_onnx",
    "interop.from_score_sde": "from_score_sde",
    "inverse.ddnm": "DDNM",
    "inverse.dps": "DPS",
    "inverse.mmps": "MMPS",
    "inverse.observed": "Observed",
    "inverse.operators": "DecomposedOperator FunctionOperator LinearOperator",
    "inverse.pigdm": "PiGDM",
    "inverse.posterior": "posterior",
    "inverse.shapes": "Average Blur Grey Mask Matrix",
    "likelihood.bits": "Bits bits_per_dim",
    "likelihood.bound": "Bound variational_bound",
    "likelihood.density": "Likelihood log_likelihood",
    "likelihood.proxy": "tomczak_proxy",
    "metrics.base": "Metric",
    "noise.base": "Draws Noise",
    "noise.brownian": "BrownianPath",
    "noise.path": "GridNoise PathNoise",
    "noise.seeded": "SeededNoise",
    "numerics.combine": "combine",
    "processes.base": "GaussianPoint GaussianSDE Point SDE",
    "processes.brownian": "Brownian",
    "processes.cosine": "Cosine",
    "processes.ddpm_betas": "DDPMBetas",
    "processes.edm": "EDM",
    "processes.families": "VarianceExploding VariancePreserving",
    "processes.ou": "OU",
    "processes.prediction": "GaussianPrediction Prediction",
    "processes.rectified_flow": "RectifiedFlow",
    "processes.sub_vp": "SubVP",
    "processes.variable": "VARIABLES Variable",
    "processes.ve": "VE",
    "processes.ve_power": "VEPower",
    "processes.vp": "VP",
    "registry.card": "API_VERSION Card ExecutorCard GridCard MetricCard ModelCard NetworkCard ObjectiveCard SDECard SolverCard Source StudyCard",
    "registry.hookspecs": "Deferred hookimpl",
    "registry.options": "Configurable option",
    "registry.registry": "Registry grid model sde solver",
    "sampling.budget": "steps_for",
    "sampling.driver": "sample",
    "sampling.encode": "encode",
    "sampling.result": "Pause Result",
    "sampling.shards": "sample_shards",
    "score_models.analytic": "AnalyticModel",
    "score_models.base": "ModelWrapper ScoreModel",
    "score_models.checkpoints": "load_model read_card save_model",
    "score_models.function": "FunctionModel",
    "score_models.gaussian": "Gaussian",
    "score_models.kernel": "KernelMixture",
    "score_models.mixture": "Mixture",
    "score_models.network": "NetworkModel",
    "score_models.targets.base": "Target",
    "score_models.wrappers.analytic_first_step": "AnalyticFirstStep",
    "score_models.wrappers.autoguidance": "AutoGuidance",
    "score_models.wrappers.classifier": "ClassifierGuidance",
    "score_models.wrappers.counting": "CountingModel",
    "score_models.wrappers.guided": "Guided",
    "score_models.wrappers.inpainting": "Inpainting",
    "score_models.wrappers.once": "Once",
    "score_models.wrappers.score_error": "ScoreError",
    "score_models.wrappers.thresholding": "DynamicThresholding Thresholding",
    "solving.adaptive_steps": "AdaptiveSteps",
    "solving.around": "Around",
    "solving.exponential": "ExponentialRungeKutta",
    "solving.multistep": "Multistep",
    "solving.stages": "StageSolver",
    "solving.stepping": "Interval Past Solver State Step StepSolver made_of_steps remember",
    "time_grids.base": "Grid GridRule",
    "time_grids.fitting": "Fitting",
    "train.networks.base": "Network",
    "train.objectives.base": "Objective",
}
#: Public sub-module -> the names that left the list above for it. They answer here for one version, with a warning.
LEFT = {
    "bench.experiment": "Check Findings",
    "executors": "attempt BEGUN carry_out Failure one_thread open_result pack_items pack_task",
    "metrics": "Case Measured",
    "numerics": "asinh atan cos divide exp expm1 log log1p maximum minimum phi sin softplus sqrt where",
    "solving": "Attempt each_interval Held Row Rule Stage StagePlan",
}
#: Modules of version 0.1.0 -> where they are now; results that were saved and stopped by it hold records of their classes.
MOVED = {
    f"solvers_zoo.{module}": f"solvers_zoo.solving.{module}"
    for module in ("adaptive_steps", "multistep", "stages", "stepping")
}
HOME_OF = {name: module for module, names in HOMES.items() for name in names.split()}
LEFT_FOR = {name: module for module, names in LEFT.items() for name in names.split()}


def lazily(package: str, home_of: Mapping[str, str], left_for: Mapping[str, str] | None = None) -> Callable[[str], Any]:
    """A package's ``__getattr__`` that imports a name from its module when it is first used, and keeps it in the package.

    Args:
        package: its name.
        home_of: public name -> the module within the package.
        left_for: names that the package no longer lists -> the sub-module that has them now; they answer with a `DeprecationWarning`.

    """

    def get(name: str) -> Any:
        module = (left_for or {}).get(name)
        if module is not None:
            warn(
                f"{package}.{name} is now {package}.{module}.{name}; the next version has it there only.",
                DeprecationWarning,
                stacklevel=2,
            )
            return getattr(import_module(f"{package}.{module}"), name)
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return get
