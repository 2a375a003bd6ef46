"""diffusers' schedulers.

They work on tables of noise levels. The zoo's grid is the levels that a scheduler itself goes through, on a process that has them;
a last level of 0 is the zoo's ``denoise``. Their code fixes float32 in places, for tables and states. `double_precision` widens it,
so that what is compared is their arithmetic; as shipped they differ by float32's rounding too.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from harness import EDM, MODEL, Handed, Row, difference, in_turn, mended, normals
from torch import Tensor

import solvers_zoo as zoo
from solvers_zoo.bench.overhead import OF_STEP, import_diffusers, replaced

STEPS = 12
#: Of its Runge-Kutta start the middle of a step must be an entry of the table.
PNDM_STEPS = 10


class Level(NamedTuple):
    """The scales of a state, x = alpha x0 + sigma eps, and its time on the zoo's process where that is known."""

    alpha: float
    sigma: float
    t: float | None = None


def vp(rho: Any) -> Level:
    """Variance preserving, by sigma/alpha."""
    alpha = (1 + float(rho) ** 2) ** -0.5
    return Level(alpha, float(rho) * alpha)


def ve(sigma: Any) -> Level:
    """Variance exploding."""
    return Level(1.0, float(sigma), float(sigma))


def flow(sigma: Any) -> Level:
    """Rectified flow."""
    return Level(1 - float(sigma), float(sigma), float(sigma))


def table(scheduler: Any, t: int) -> Level:
    """DDPM's table; before its first entry, what the scheduler says."""
    if t < 0:
        ends = ("initial_alpha_cumprod", "final_alpha_cumprod")
        kept = float(next((getattr(scheduler, end) for end in ends if hasattr(scheduler, end)), 1.0))
    else:
        kept = float(scheduler.alphas_cumprod[t])
    return Level(kept**0.5, (1 - kept) ** 0.5, float(max(t, 0)))


def stride(scheduler: Any) -> int:
    """Entries of the table from one step to the next."""
    return int(scheduler.config.num_train_timesteps // scheduler.num_inference_steps)


def middle(scheduler: Any, i: int) -> Level:
    """The level of call ``i`` of a two-stage scheduler; the second stage is made at the geometric mean of a step's ends."""
    sigmas = scheduler.sigmas
    if i % 2 == 0:
        return ve(sigmas[i])
    end = scheduler.sigmas_down[i - 1] if hasattr(scheduler, "sigmas_down") else sigmas[i]
    return ve((sigmas[i - 1] * end) ** 0.5)


@dataclass(frozen=True)
class Scale:
    """How a family of schedulers says which level a state is at.

    Attributes:
        sde: the zoo's process with these levels.
        at: (scheduler, number of a call) -> level of the model's input.
        end: scheduler -> level of the last state.
        starts: number of calls -> those that begin a step.
        uncompared: steps at the end that are no step of the method.
        form: what the network predicts: ``eps``, ``v`` or ``flow``.

    """

    sde: Any
    at: Callable[[Any, int], Level]
    end: Callable[[Any], Level]
    starts: Callable[[int], Sequence[int]] = range
    uncompared: int = 0
    form: str = "eps"


def every(calls: int) -> Callable[[int], Sequence[int]]:
    """A step is so many calls."""
    return lambda n: range(0, n, calls)


VP = zoo.VP(t_min=1e-4, t_max=1.2)
RF = zoo.RectifiedFlow(t_min=1e-4)
TABLE = zoo.DDPMBetas()
BY_TABLE = (lambda s, i: table(s, int(s.timesteps[i])), lambda s: table(s, int(s.timesteps[-1]) - stride(s)))
BY_RHO = (lambda s, i: vp(s.sigmas[i]), lambda s: vp(s.sigmas[-1]))
BY_SIGMA = (lambda s, i: ve(s.sigmas[i]), lambda s: ve(s.sigmas[-1]))
BY_FLOW = (lambda s, i: flow(s.sigmas[i]), lambda s: flow(s.sigmas[-1]))
BY_MIDDLE = (middle, lambda s: ve(0))
INVERSE = (lambda s, i: table(s, int(s.timesteps[i]) - stride(s)), lambda s: table(s, int(s.timesteps[-1])))
BY_ANGLE = (
    lambda s, i: Level(float(s.alphas[i]), float(s.betas[i])),
    lambda s: Level(float(s.alphas[-1]), float(s.betas[-1])),
)

#: By class; the multistep family is on ``VP``.
SCALES = {
    "DDIMScheduler": Scale(TABLE, *BY_TABLE),
    "DDIMInverseScheduler": Scale(TABLE, *INVERSE),
    "DDPMScheduler": Scale(TABLE, BY_TABLE[0], lambda s: Level(1.0, 0.0)),
    "PNDMScheduler": Scale(TABLE, *BY_TABLE, starts=lambda n: [0, 4, 8, *range(12, n)]),
    "IPNDMScheduler": Scale(VP, *BY_ANGLE, form="v"),
    "EulerDiscreteScheduler": Scale(EDM, *BY_SIGMA),
    "EulerAncestralDiscreteScheduler": Scale(EDM, *BY_SIGMA),
    "LMSDiscreteScheduler": Scale(EDM, *BY_SIGMA, uncompared=1),
    "EDMEulerScheduler": Scale(EDM, *BY_SIGMA),
    "EDMDPMSolverMultistepScheduler": Scale(EDM, *BY_SIGMA),
    "CosineDPMSolverMultistepScheduler": Scale(EDM, *BY_SIGMA),
    "HeunDiscreteScheduler": Scale(EDM, *BY_SIGMA, starts=every(2)),
    "KDPM2DiscreteScheduler": Scale(EDM, *BY_MIDDLE, starts=every(2)),
    "KDPM2AncestralDiscreteScheduler": Scale(EDM, *BY_MIDDLE, starts=every(2)),
    "DPMSolverSDEScheduler": Scale(EDM, *BY_MIDDLE, starts=every(2)),
    "FlowMatchEulerDiscreteScheduler": Scale(RF, *BY_FLOW, form="flow"),
    "FlowMatchHeunDiscreteScheduler": Scale(RF, *BY_FLOW, starts=every(2), form="flow"),
    "LTXEulerAncestralRFScheduler": Scale(RF, *BY_FLOW, form="flow"),
}


def scale_of(row: Row) -> Scale:
    """The scale of a row."""
    if row.settings.get("skip_prk_steps"):
        return Scale(TABLE, *BY_TABLE, starts=lambda n: [0, *range(2, n)])  # two calls in the first step
    if row.settings.get("use_flow_sigmas"):
        return Scale(RF, *BY_FLOW, form="flow")
    if row.peer == SINGLE:  # its grid of even steps in the log-SNR ends twice at the same level
        return Scale(VP, *BY_RHO, starts=every(row.settings.get("solver_order", 2)), uncompared=1)
    return SCALES.get(row.peer, Scale(VP, *BY_RHO))


MULTI, SINGLE, UNIPC = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "UniPCMultistepScheduler"
EDM_MULTI, DEIS, SA = "EDMDPMSolverMultistepScheduler", "DEISMultistepScheduler", "SASolverScheduler"
PLAIN = {"clip_sample": False}
TO_TABLE = {"set_alpha_to_one": False, "steps_offset": 1}
MIN = {"final_sigmas_type": "sigma_min"}
FULL = {"lower_order_final": False}
HEUN = {"solver_type": "heun"}
THIRD = {"solver_order": 3}
EPS = {"algorithm_type": "dpmsolver", **MIN}
SDE = {"algorithm_type": "sde-dpmsolver++"}
SDE_EPS = {"algorithm_type": "sde-dpmsolver", **MIN}
EVEN = {"use_exponential_sigmas": True}


class Always:
    """SA-Solver's tau as a function of the timestep: a constant."""

    def __init__(self, tau: float) -> None:
        self.tau = tau

    def __call__(self, t: Any) -> float:
        return self.tau

    def __repr__(self) -> str:
        return f"{self.tau:g}"


TAU = {"tau_func": Always(1.0)}
#: Where SA-Solver's own tau is 1, at timesteps from 200 to 800, as levels between those of the grid.
WITHIN = "rho_min=0.8,rho_max=25"

HALF = "its second difference has half the weight of the exact integral"
TWICE = ("D2 = (1.0 / (r0 + r1))", "D2 = (2.0 / (r0 + r1))")
SIGN = "the 1/2 in the weight of its second difference has the wrong sign"
MINUS, PLUS = "(2.0 * h) ** 2 - 0.5", "(2.0 * h) ** 2 + 0.5"
STAGE = "its second stage takes the slope half-way for its integral"
STAGE_X0 = ("- 0.5 * (alpha_t * (torch.exp(-h) - 1.0)) * D1", "+ alpha_t * ((torch.exp(-h) - 1.0) / h + 1.0) * D1")
STAGE_EPS = ("- 0.5 * (sigma_t * (torch.exp(h) - 1.0)) * D1", "- sigma_t * ((torch.exp(h) - 1.0) / h - 1.0) * D1")

ROWS = [
    Row("DDIMScheduler", "ddim", PLAIN),
    Row("DDIMScheduler", "ddim", {**PLAIN, **TO_TABLE}),
    Row("DDIMScheduler", "ddim(eta=0.6)", {**PLAIN, **TO_TABLE, "eta": 0.6}),
    Row("DDIMScheduler", "ddpm", {**PLAIN, **TO_TABLE, "eta": 1.0}),
    Row("DDIMInverseScheduler", "ddim", {**PLAIN, **TO_TABLE}),
    Row("DDPMScheduler", "ddpm", PLAIN),
    Row("DDPMScheduler", "ddpm(variance=large)", {**PLAIN, "variance_type": "fixed_large"}),
    Row("PNDMScheduler", "pndm", TO_TABLE),
    Row(
        "PNDMScheduler",
        "ipndm-4",
        {**TO_TABLE, "skip_prk_steps": True},
        differs="its first step is Heun's, of two calls",
    ),
    Row(
        "IPNDMScheduler",
        "ipndm-4",
        {"trained_betas": [0.999, 0.99, 0.97, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02]},
    ),
    Row("EulerDiscreteScheduler", "euler"),
    Row(
        "EulerDiscreteScheduler",
        "euler-churn(S_churn=4)",
        {"s_churn": 4.0},
        draws="fresh",
        differs="it asks the model before it adds the noise",
    ),
    Row("EulerAncestralDiscreteScheduler", "euler-ancestral"),
    Row("HeunDiscreteScheduler", "heun"),
    Row("KDPM2DiscreteScheduler", "dpm-solver-2"),
    Row("KDPM2AncestralDiscreteScheduler", "dpm2-ancestral"),
    Row("DPMSolverSDEScheduler", "dpmpp-sde", draws="bridge"),
    *(Row("LMSDiscreteScheduler", f"lms-{order}", {"order": order}) for order in (2, 3, 4)),
    Row(MULTI, "ddim", {**FULL, "solver_order": 1}),
    Row(MULTI, "dpmpp-2m", FULL),
    Row(MULTI, "dpmpp-2m(lower_order_final=true)", MIN),
    Row(MULTI, "dpmpp-2m", {**FULL, "use_karras_sigmas": True}),
    Row(MULTI, "dpmpp-2m", {**FULL, "use_flow_sigmas": True, "prediction_type": "flow_prediction"}),
    Row(MULTI, "res-2m", {**FULL, **HEUN}),
    Row(MULTI, "dpmpp-3m-published", {**FULL, **THIRD}),
    Row(MULTI, "dpmpp-3m-published(lower_order_final=true)", {**MIN, **THIRD}),
    Row(MULTI, "dpmpp-3m-sde-published(eta=0)", {**FULL, **THIRD, **HEUN}),
    Row(MULTI, "dpmpp-3m", {**FULL, **THIRD, **HEUN}, mend=TWICE, differs=HALF),
    Row(MULTI, "dpm-solver-2m", {**FULL, **EPS}),
    Row(MULTI, "exp-adams-eps-2", {**FULL, **EPS, **HEUN}),
    Row(MULTI, "dpm-solver-3m-published", {**FULL, **EPS, **THIRD}),
    Row(MULTI, "dpm-solver-3m", {**FULL, **EPS, **THIRD, **HEUN}, mend=TWICE, differs=HALF),
    Row(MULTI, "ddpm", {**FULL, **SDE, "solver_order": 1}),
    Row(MULTI, "dpmpp-2m-sde", {**FULL, **SDE}),
    Row(MULTI, "dpmpp-2m-sde(solver_type=heun)", {**FULL, **SDE, **HEUN}),
    Row(MULTI, "dpmpp-3m-sde-published", {**FULL, **SDE, **THIRD, **HEUN}, mend=(MINUS, PLUS), differs=SIGN),
    Row(MULTI, "sde-dpm-solver-2m", {**FULL, **SDE_EPS}),
    Row(MULTI, "sde-dpm-solver-2m(solver_type=heun)", {**FULL, **SDE_EPS, **HEUN}),
    Row(SINGLE, "dpmpp-2s", {**EVEN, **MIN}),
    Row(SINGLE, "dpm-solver-2", {**EVEN, **EPS}),
    Row(SINGLE, "dpmpp-sde", {**EVEN, **MIN, **SDE}, draws="bridge"),
    Row(SINGLE, "dpmpp-3s", {**EVEN, **MIN, **THIRD}, mend=STAGE_X0, differs=STAGE),
    Row(SINGLE, "dpm-solver-3", {**EVEN, **EPS, **THIRD}, mend=STAGE_EPS, differs=STAGE),
    *(
        Row(UNIPC, f"unipc(order={p},b={b})", {**FULL, **MIN, "solver_order": p, "solver_type": b})
        for p in (1, 2, 3)
        for b in ("bh1", "bh2")
    ),
    Row(UNIPC, "unipc(lower_order_final=true)", {**MIN, **THIRD}),
    Row(UNIPC, "unipc-2(of=eps)", {**FULL, **MIN, "predict_x0": False}),
    Row(UNIPC, "unipc(of=eps)", {**FULL, **MIN, **THIRD, "predict_x0": False}),
    Row(UNIPC, "unip", {**FULL, **MIN, **THIRD, "disable_corrector": range(STEPS)}),
    Row(DEIS, "exp-adams-eps-2", {**FULL, "solver_order": 2}),
    Row(DEIS, "dpm-solver-3m", {**FULL, **THIRD}),
    Row(SA, "sa-solver(predictor=2,corrector=2)", {**FULL, **TAU}),
    Row(SA, f"sa-solver(predictor=2,corrector=2,{WITHIN})", FULL),
    Row(SA, "sa-solver(predictor=2,corrector=3)", {**FULL, **TAU, "corrector_order": 3}),
    Row(SA, "sa-solver", {**FULL, **TAU, "predictor_order": 3, "corrector_order": 4}),
    Row("EDMEulerScheduler", "euler"),
    Row(EDM_MULTI, "dpmpp-2m", FULL),
    Row(EDM_MULTI, "dpmpp-3m-published", {**FULL, **THIRD}),
    Row(EDM_MULTI, "dpmpp-2m-sde", {**FULL, **SDE}),
    Row("CosineDPMSolverMultistepScheduler", "dpmpp-2m-sde", FULL),
    Row("FlowMatchEulerDiscreteScheduler", "euler"),
    Row("FlowMatchHeunDiscreteScheduler", "heun(variable=t)"),
    Row("LTXEulerAncestralRFScheduler", "euler-ancestral-rf"),
    Row("LTXEulerAncestralRFScheduler", "euler-ancestral-rf(eta=0.6)", {"eta": 0.6}),
]


class Widened:
    """A module whose float32 is float64."""

    def __init__(self, module: Any) -> None:
        self._module, self.float32 = module, module.float64

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@contextlib.contextmanager
def double_precision(module: Any) -> Iterator[None]:
    """Let a module that was written for float32 run in float64, its tables included."""
    import numpy

    torch.set_default_dtype(torch.float64)
    try:
        with replaced(module, torch=Widened(torch), np=Widened(numpy)):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def told(scheduler: Any, x: Tensor, level: Level, form: str) -> Tensor:
    """What a network says of a state at a level, in its own form or in EDM's."""
    x0 = MODEL.predict(x, level)
    eps = (x - level.alpha * x0) / level.sigma
    if hasattr(scheduler, "precondition_outputs"):  # x0 = c_skip x + c_out F
        sigma = torch.tensor(level.sigma)
        skip, whole = (scheduler.precondition_outputs(x, F, sigma) for F in (0 * x, 1 + 0 * x))
        return (x0 - skip) / (whole - skip)
    p, q = {"eps": (0.0, 1.0), "v": (-level.sigma, level.alpha), "flow": (-1.0, 1.0)}[form]
    return p * x0 + q * eps


def run(row: Row, wide: bool) -> tuple[list[Level], list[Tensor]]:
    """The scheduler's levels, and its states there."""
    cls = getattr(import_diffusers(), row.peer)
    module, scale = sys.modules[cls.__module__], scale_of(row)
    of_step = {key: value for key, value in row.settings.items() if (row.peer, key) in OF_STEP}
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        if wide:
            stack.enter_context(double_precision(module))
        stack.enter_context(replaced(module, randn_tensor=in_turn(row.draws)))
        scheduler = mended(cls, row.mend)(**{key: value for key, value in row.settings.items() if key not in of_step})
        scheduler.set_timesteps(PNDM_STEPS if row.peer == "PNDMScheduler" else STEPS)
        if hasattr(scheduler, "noise_sampler"):
            scheduler.noise_sampler = in_turn(row.draws)
        x = normals(0) * (float(scheduler.sigmas[0]) if scale.sde is EDM else 1.0)
        levels, states = [], [x]
        for i, t in enumerate(scheduler.timesteps):
            levels.append(scale.at(scheduler, i))
            if hasattr(scheduler, "scale_model_input"):
                scheduler.scale_model_input(x, t)
            x = scheduler.step(told(scheduler, x, levels[-1], scale.form), t, x, **of_step).prev_sample
            states.append(x)
        kept = list(scale.starts(len(levels)))
        levels, states = [*(levels[i] for i in kept), scale.end(scheduler)], [*(states[i] for i in kept), x]
    end = len(levels) - scale.uncompared
    return levels[:end], states[:end]


def compare(row: Row, wide: bool = True) -> float:
    """The largest relative difference of any state, in float64 or as shipped."""
    levels, states = run(row, wide)
    sde = scale_of(row).sde
    denoise = levels[-1].sigma == 0
    if denoise:
        levels.pop()
    grid = zoo.Grid(
        sde, [sde.at_rho(level.sigma / level.alpha) if level.t is None else sde.at(level.t) for level in levels]
    )
    ours = zoo.sample(
        MODEL.on(sde), row.solver, grid=grid, x=states[0], noise=Handed(), denoise=denoise, trajectory=True
    )
    path = [*ours.trajectory[1:], ours.x] if denoise else ours.trajectory[1:]
    return max(difference(mine, theirs) for mine, theirs in zip(path, states[1:], strict=True))
