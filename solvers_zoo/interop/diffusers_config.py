"""What a scheduler of diffusers says in its configuration: the process, what the network predicts, and the levels it goes through."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.interop.convention import Convention
from solvers_zoo.interop.given_table import GivenTable
from solvers_zoo.processes.ddpm_betas import DDPMBetas
from solvers_zoo.processes.edm import EDM
from solvers_zoo.processes.rectified_flow import RectifiedFlow
from solvers_zoo.processes.ve import VE

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianSDE

#: What diffusers calls the predictions.
KINDS = {"epsilon": "eps", "sample": "x0", "v_prediction": "v", "flow_prediction": "flow"}
#: And the schedules of betas that `DDPMBetas` has too.
SCHEDULES = {"linear": "linear", "scaled_linear": "scaled-linear", "squaredcos_cap_v2": "cosine"}
#: Flow matching, alpha = 1 - t and sigma = t.
FLOWS = (
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
    "FlowMatchLCMScheduler",
    "LTXEulerAncestralRFScheduler",
)
#: Tables that are not gone through from noise to data.
BACKWARDS = ("DDIMInverseScheduler", "DPMSolverMultistepInverseScheduler")


def read(scheduler: Any) -> Convention:
    """The convention of the networks that a scheduler is made for.

    Raises:
        IncompatibleError: a scheduler or prediction type that has no meaning here, in one sentence.

    """
    config, name = settings(scheduler), type(scheduler).__name__
    table = "alphas_cumprod" in vars(scheduler)
    flow = config.get("use_flow_sigmas") or config.get("prediction_type") == "flow_prediction"
    if name in FLOWS or (table and flow):
        return _flow(name, config)
    if table:
        return _table(scheduler, name, config)
    if hasattr(scheduler, "precondition_outputs"):
        return _edm(scheduler, name, config)
    if name == "ScoreSdeVeScheduler":
        sde = VE(**_ends(config))
        return Convention(sde, "score", time=sde.sigma)
    if name == "CMStochasticIterativeScheduler":
        return _consistency(scheduler, config)
    raise IncompatibleError(
        f"{name} says nothing of a beta table, noise levels of EDM or flow matching, so the process of its network is not "
        "known; give it as zoo.FunctionModel(network, sde=..., prediction=...)."
    )


def settings(scheduler: Any) -> dict[str, Any]:
    """A scheduler's configuration as a dict.

    Raises:
        IncompatibleError: it has none.

    """
    config = getattr(scheduler, "config", None)
    if config is None or not hasattr(config, "items"):
        raise IncompatibleError(
            f"A {type(scheduler).__name__} is no scheduler of diffusers; give an object with a configuration, as pipeline.scheduler."
        )
    return dict(config.items())


def _kind(name: str, config: dict[str, Any], known: tuple[str, ...], default: str = "epsilon") -> str:
    asked = config.get("prediction_type") or default
    if asked not in known:
        raise IncompatibleError(
            f"prediction_type = {asked!r} of {name} is not known here; it is one of {', '.join(known)}."
        )
    return KINDS[asked]


def _table(scheduler: Any, name: str, config: dict[str, Any]) -> Convention:
    kind = _kind(name, config, ("epsilon", "sample", "v_prediction"))
    halve = str(config.get("variance_type", "")).startswith("learned")
    return Convention(_process(scheduler, config), kind, halve=halve)


def _process(scheduler: Any, config: dict[str, Any]) -> DDPMBetas:
    """The named schedule in double precision if it gives the scheduler's own table; else that table, float32 as it is."""
    kept = scheduler.alphas_cumprod.double().tolist()
    named = SCHEDULES.get(str(config.get("beta_schedule")))
    if named is not None and config.get("trained_betas") is None:
        zero = bool(config.get("rescale_betas_zero_snr"))
        ends = {} if named == "cosine" else {"beta_start": config["beta_start"], "beta_end": config["beta_end"]}
        sde = DDPMBetas(schedule=named, num=len(kept), zero_snr=zero, **ends)
        exact = [math.exp(2 * log_alpha) for log_alpha in sde.table]
        if all(abs(a - b) <= 1e-4 * b + 1e-7 for a, b in zip(exact, kept, strict=True)):
            return sde
    return GivenTable(kept)


def _flow(name: str, config: dict[str, Any]) -> Convention:
    if config.get("invert_sigmas"):
        raise IncompatibleError(
            f"{name} with invert_sigmas runs its times the other way round, which is not known here."
        )
    kind = _kind(name, config, ("flow_prediction", "epsilon", "sample"), default="flow_prediction")
    many = int(config.get("num_train_timesteps", 1000))
    return Convention(RectifiedFlow(t_min=1e-4), kind, time=lambda t: t * many)


def _ends(config: dict[str, Any]) -> dict[str, float]:
    """The smallest and largest noise level."""
    return {name: float(config[name]) for name in ("sigma_min", "sigma_max")}


def _edm(scheduler: Any, name: str, config: dict[str, Any]) -> Convention:
    _kind(name, config, ("epsilon", "v_prediction"))  # they differ by the sign of c_out

    def time(t: Scalar) -> Scalar:
        noise = scheduler.precondition_noise(t)
        return noise if isinstance(t, Tensor) else float(noise)

    return Convention(
        EDM(**_ends(config)),
        "x0",
        time,
        scheduler.precondition_inputs,
        lambda x, out, t: scheduler.precondition_outputs(x, out, t),
    )


def _consistency(scheduler: Any, config: dict[str, Any]) -> Convention:
    """An endpoint map: Song et al. 2023 (2303.01469), Appendix C; the network is called as in its scheduler."""
    data = float(config["sigma_data"])

    def time(t: Scalar) -> Scalar:
        return 250 * (torch.log(t) if isinstance(t, Tensor) else math.log(t))

    def told(x: Tensor, out: Tensor, t: Scalar) -> Tensor:
        skip, scale = scheduler.get_scalings_for_boundary_condition(t)
        return skip * x + scale * out

    return Convention(EDM(**_ends(config)), "x0", time, lambda x, t: x / (t**2 + data**2) ** 0.5, told)


def levels(scheduler: Any, convention: Convention) -> tuple[list[float], bool]:
    """The times that a scheduler goes through once its timesteps are set, and whether a last step takes it to the data.

    Raises:
        IncompatibleError: a scheduler whose levels cannot be read, or that does not run from noise to data.

    """
    sde, name = convention.sde, type(scheduler).__name__
    given = getattr(scheduler, "sigmas", None)
    if name in BACKWARDS:
        raise IncompatibleError(f"{name} runs from data to noise; encoding is zoo.encode's.")
    if isinstance(sde, VE):
        raise IncompatibleError(f"The times of {name} are made in a loop of its own; give grid=, as in grid='karras'.")
    if given is None:
        return _by_index(scheduler, sde, name)
    down = _falling([float(sigma) for sigma in given if sigma > 0])
    if isinstance(sde, DDPMBetas):
        down = [_index(sde, sigma) for sigma in down]
    return [min(max(t, sde.t_min), sde.t_max) for t in down], float(given[-1]) == 0.0


def _index(sde: DDPMBetas, rho: float) -> float:
    """The index of a noise-to-signal ratio, whole if it is that of a whole one but for the rounding of float32."""
    t = float(sde.t_of_rho(rho))
    whole = min(max(float(round(t)), sde.t_min), sde.t_max)
    return whole if math.isclose(float(sde.at(whole).rho), rho, rel_tol=1e-4) else t


def _by_index(scheduler: Any, sde: GaussianSDE, name: str) -> tuple[list[float], bool]:
    """Of the schedulers that know their levels as indices of the table only."""
    indices = scheduler._timesteps if name == "PNDMScheduler" else scheduler.timesteps  # PNDM's repeat, and go half-way
    down = _falling(sorted((float(t) for t in indices), reverse=True))
    if float(getattr(scheduler, "final_alpha_cumprod", 1.0)) == 1.0:
        return down, True
    return [*down, *([sde.t_min] if down[-1] > sde.t_min else [])], False


def _falling(values: list[float]) -> list[float]:
    """The values without those that repeat or turn back."""
    kept = values[:1]
    for value in values[1:]:
        if value < kept[-1]:
            kept.append(value)
    return kept
