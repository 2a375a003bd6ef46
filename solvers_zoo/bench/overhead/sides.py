"""The two sides of a comparison as functions ``run(model, n)``: the same algorithm, model and noise, on n steps."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.bench.overhead.pairs import OF_STEP, Pair
from solvers_zoo.interop.libraries import import_azula, import_diffusers, import_k_diffusion, replaced
from solvers_zoo.noise.base import Draws, Noise
from solvers_zoo.numerics.scalar import sqrt
from solvers_zoo.processes.edm import EDM
from solvers_zoo.processes.rectified_flow import RectifiedFlow
from solvers_zoo.processes.vp import VP
from solvers_zoo.registry.defaults import GAUSSIAN_GRID
from solvers_zoo.sampling.driver import sample
from solvers_zoo.sampling.result import Result
from solvers_zoo.score_models.function import FunctionModel
from solvers_zoo.solving.stepping import Solver

#: A model, a function of (x, t), and a number of steps.
SideRun = Callable[[Any, int], Any]

LOW, HIGH = 0.02, 20.0
KARRAS = EDM(sigma_min=LOW, sigma_max=HIGH)
#: Processes and predictions: k-diffusion's and azula's, that of most networks in diffusers, and that of flow matching.
FORMULATIONS: dict[str, tuple[Any, str]] = {
    "edm": (KARRAS, "x0"),
    "vp": (VP(t_min=1e-3), "eps"),
    "flow": (RectifiedFlow(t_min=1e-3, t_max=0.999), "flow"),
}
#: Forms of diffusers' schedulers that are not variance preserving in eps.
_OTHERS = {
    **dict.fromkeys(("EDMEuler", "EDMDPMSolverMultistep", "CosineDPMSolverMultistep"), "edm"),
    **dict.fromkeys(("FlowMatchEulerDiscrete", "FlowMatchHeunDiscrete", "LTXEulerAncestralRF"), "flow"),
}


def denoiser(x: Tensor, t: Tensor) -> Tensor:
    """The model of the measurement: one multiplication."""
    return x.mul(0.25)


class Ready(Noise, Draws):
    """One ready tensor for every draw, so that noise costs nothing."""

    def __init__(self, x: Tensor) -> None:
        self.normals = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).to(x)
        self.halves = torch.full((len(x),), 0.5, dtype=torch.float64, device=x.device)

    def at(self, index: int) -> Ready:
        """The same for every step."""
        return self

    def fresh(self) -> Tensor:
        """The tensor."""
        return self.normals

    def between(self, t: Any = None, s: Any = None, area: bool = False) -> Any:
        """The tensor."""
        return (self.normals, self.normals) if area else self.normals

    def uniform(self) -> Tensor:
        """One half a sample."""
        return self.halves

    def path(self, low: float, high: float, resolution: float | None = None) -> Any:
        """A path of the tensor."""
        return _ReadyPath(self.normals, low)


class _ReadyPath:
    """What solvers ask of a `solvers_zoo.BrownianPath`, without its cost: the tensor, scaled."""

    def __init__(self, normals: Tensor, low: float) -> None:
        self.normals, self.low = normals, low

    def value(self, u: Any) -> Tensor:
        """N(0, u - low)."""
        return self.increment(self.low, u)

    def increment(self, a: Any, b: Any) -> Tensor:
        """N(0, |b - a|)."""
        scale = sqrt(abs(b - a))
        return self.normals * (scale if type(scale) is float else scale.to(self.normals.dtype))


@functools.cache
def grid(form: str, n: int, rule: str = GAUSSIAN_GRID) -> Any:
    """``n`` steps on the process of a form."""
    return registry.default().make("grid", rule).make_grid(FORMULATIONS[form][0], n)


def form_of(pair: Pair) -> str:
    """The form that a peer works in."""
    return _OTHERS.get(pair.name.removesuffix("Scheduler"), "vp") if pair.library == "diffusers" else "edm"


def tolerance(n: int, first: int = 5) -> float:
    """For adaptive solvers of order 3, so that their attempts grow as ``n``."""
    return 0.02 * (first / n) ** 3


def adjusted(solver: Solver, n: int) -> Solver:
    """The solver itself, or an adaptive one with a tolerance that makes it try more steps as ``n`` grows."""
    names = {option.name for option in fields(solver)} & {"rtol", "atol"}
    return replace(solver, **dict.fromkeys(names, tolerance(n))) if names else solver


def zoo_side(
    solver: Any, form: str, x: Tensor, noise: Noise, rule: str = GAUSSIAN_GRID
) -> Callable[[Any, int], Result]:
    """`sample` with a solver, on the process and in the form that the peer has."""
    sde, kind = FORMULATIONS[form]
    made = registry.default().make("solver", solver)

    def run(model: Any, n: int) -> Result:
        function = FunctionModel(model, sde=sde, prediction=kind)
        return sample(function, adjusted(made, n), grid=grid(form, n, rule), x=x, noise=noise)

    return run


def peer_side(pair: Pair, x: Tensor, noise: Ready, silent: contextlib.ExitStack) -> SideRun:
    """A peer's own sampler; its draws are replaced until ``silent`` is left.

    Raises:
        PluginError: its library is not installed.

    """
    sides = {"k-diffusion": _k_diffusion, "diffusers": _diffusers, "azula": _azula}
    return sides[pair.library](pair, x, noise, silent)


def _k_diffusion(pair: Pair, x: Tensor, noise: Ready, silent: contextlib.ExitStack) -> SideRun:
    function = getattr(import_k_diffusion(), pair.name)
    silent.enter_context(replaced(torch, randn_like=lambda x: noise.normals))
    settings: dict[str, Any] = {**pair.settings, "disable": True}
    if "noise_sampler" in inspect.signature(function).parameters:
        settings["noise_sampler"] = noise.between
    sigmas = functools.cache(lambda n: torch.tensor(grid("edm", n).times, device=x.device))
    runs: dict[str, SideRun] = {
        "sample_dpm_fast": lambda model, n: function(model, x, LOW, HIGH, n, **settings),
        "sample_dpm_adaptive": lambda model, n: function(
            model, x, LOW, HIGH, rtol=tolerance(n), atol=tolerance(n), **settings
        ),
    }
    return runs.get(pair.name, lambda model, n: function(model, x, sigmas(n), **settings))


def _diffusers(pair: Pair, x: Tensor, noise: Ready, silent: contextlib.ExitStack) -> SideRun:
    cls = getattr(import_diffusers(), pair.name)
    silent.enter_context(replaced(sys.modules[cls.__module__], randn_tensor=lambda *args, **kwargs: noise.normals))
    of_step = {key: value for key, value in pair.settings.items() if (pair.name, key) in OF_STEP}
    scheduler = cls(**{key: value for key, value in pair.settings.items() if key not in of_step})
    # a single-step scheduler counts calls, not steps
    calls = scheduler.config.solver_order if pair.name == "DPMSolverSinglestepScheduler" else 1
    times = torch.ones(len(x), device=x.device)

    def run(model: Any, n: int) -> Tensor:
        scheduler.set_timesteps(n * calls, device=x.device)
        if hasattr(scheduler, "noise_sampler"):
            scheduler.noise_sampler = noise.between
        y = x
        for t in scheduler.timesteps:
            seen = scheduler.scale_model_input(y, t) if hasattr(scheduler, "scale_model_input") else y
            y = scheduler.step(model(seen, times), t, y, return_dict=False, **of_step)[0]
        return y

    return run


def _azula(pair: Pair, x: Tensor, noise: Ready, silent: contextlib.ExitStack) -> SideRun:
    azula = import_azula()
    silent.enter_context(replaced(torch, randn_like=lambda x: noise.normals))
    times = torch.ones(len(x), device=x.device)

    class Plain(azula.denoise.Denoiser):  # type: ignore[misc, name-defined]
        """The function as azula's model, without the scalings that its own put around a network."""

        def __init__(self, model: Any) -> None:
            super().__init__()
            self.function, self.schedule = model, azula.noise.VESchedule(LOW, HIGH)

        def forward(self, x: Tensor, t: Tensor, **condition: Any) -> Any:
            return azula.denoise.DiracPosterior(self.function(x, times))

    @functools.cache
    def sampler(model: Any, n: int) -> Any:
        cls = getattr(azula.sample, pair.name)
        return cls(Plain(model), steps=n, silent=True, dtype=x.dtype, device=x.device, **pair.settings)

    return lambda model, n: sampler(model, n)(x)
