"""What a solver costs a step besides the model, against k-diffusion's and diffusers' implementations of the same algorithm.

    python -m solvers_zoo.overhead [--json | --markdown] [--steps 18] [--seconds 4] [--only heun --only unipc ...]

Both sides run the same function as the model on grids of as many steps; the time of the function alone is subtracted. Noise
costs nothing on either side: both are handed one ready tensor. The zoo's side is the whole of `sample`, counting and
coefficients included; diffusers' is the loop of a pipeline. What a step costs is the difference of runs of N + 5 steps and 5, over N, at
the number of evaluations that each side made; what a run of no steps would cost is its start (the zoo checks its arguments
and its result once a run). The floor is what the arithmetic alone costs, with as many arrays in each update as the method has: ``lerp``
for two, else ``mul``, ``add_``, ...

All parts are interleaved in one process on one thread; runs are short, the fastest of many counts, and time is the processor's, so
that other work on the machine disturbs neither side.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
import inspect
import json
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from time import perf_counter, thread_time
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError, PluginError
from solvers_zoo.noise.base import Draws, Noise
from solvers_zoo.processes.edm import EDM
from solvers_zoo.processes.rectified_flow import RectifiedFlow
from solvers_zoo.processes.vp import VP
from solvers_zoo.sampling.driver import sample
from solvers_zoo.score_models.function import FunctionModel
from solvers_zoo.time_grids.karras import Karras

SHAPES = ((64, 2), (64, 3, 32, 32))
#: Steps of the shorter run: as many as any start-up takes, and 2 modulo 3, where DPM-Solver-fast is the same everywhere.
FIRST = 5
#: Seconds that a part runs before it is the next one's turn.
TURN = 0.005


@dataclass(frozen=True)
class Pair:
    """A solver of the zoo, and a peer's function or class with the settings that make it the same (tests/agreement)."""

    solver: str
    library: str
    name: str
    updates: Sequence[int]
    """State-sized arrays in each update of a step."""
    settings: Mapping[str, Any] = field(default_factory=dict)


def _k(solver: str, name: str, *updates: int, **settings: Any) -> Pair:
    return Pair(solver, "k-diffusion", f"sample_{name}", updates, settings)


def _d(solver: str, name: str, *updates: int, **settings: Any) -> Pair:
    return Pair(solver, "diffusers", f"{name}Scheduler", updates, settings)


_FULL = {"lower_order_final": False}
_MIN = {"final_sigmas_type": "sigma_min"}
_PLAIN = {"clip_sample": False}
_EVEN = {"use_exponential_sigmas": True}
_TABLE = {"set_alpha_to_one": False, "steps_offset": 1}
_SDE = {"algorithm_type": "sde-dpmsolver++"}
_EPS = {"algorithm_type": "dpmsolver", **_MIN}
_MULTI, _SINGLE, _UNIPC = "DPMSolverMultistep", "DPMSolverSinglestep", "UniPCMultistep"

PAIRS = (
    _k("euler", "euler", 2),
    _k("heun", "heun", 2, 3),
    _k("dpm-solver-2", "dpm_2", 2, 2),
    _k("lms-4", "lms", 5, order=4),
    _k("euler-ancestral", "euler_ancestral", 3),
    _k("dpm2-ancestral", "dpm_2_ancestral", 2, 3),
    _k("dpmpp-2s-ancestral", "dpmpp_2s_ancestral", 2, 3),
    _k("dpmpp-sde", "dpmpp_sde", 4, 4),
    _k("dpmpp-2m", "dpmpp_2m", 3),
    _k("dpmpp-2m-sde", "dpmpp_2m_sde", 4),
    _k("dpmpp-2m-sde(solver_type=heun)", "dpmpp_2m_sde", 4, solver_type="heun"),
    _k("dpmpp-3m-sde-published", "dpmpp_3m_sde", 5),
    _k("dpm-solver-fast", "dpm_fast", 2, 3, 3),
    _k("dpm-solver-23", "dpm_adaptive", 2, 3, 3),
    _d("ddim", "DDIM", 2, **_PLAIN),
    _d("ddim(eta=0.6)", "DDIM", 3, **_PLAIN, **_TABLE, eta=0.6),
    _d("ddim", "DDIMInverse", 2, **_PLAIN, **_TABLE),
    _d("ddpm", "DDPM", 3, **_PLAIN),
    _d("pndm", "PNDM", 5, **_TABLE),
    _d("ipndm-4", "IPNDM", 5),
    _d("euler", "EulerDiscrete", 2),
    _d("euler-ancestral", "EulerAncestralDiscrete", 3),
    _d("heun", "HeunDiscrete", 2, 3),
    _d("dpm-solver-2", "KDPM2Discrete", 2, 2),
    _d("dpm2-ancestral", "KDPM2AncestralDiscrete", 2, 3),
    _d("dpmpp-sde", "DPMSolverSDE", 4, 4),
    _d("lms-4", "LMSDiscrete", 5, order=4),
    _d("ddim", _MULTI, 2, **_FULL, solver_order=1),
    _d("dpmpp-2m", _MULTI, 3, **_FULL),
    _d("dpmpp-3m-published", _MULTI, 4, **_FULL, solver_order=3),
    _d("dpm-solver-2m", _MULTI, 3, **_FULL, **_EPS),
    _d("dpm-solver-3m-published", _MULTI, 4, **_FULL, **_EPS, solver_order=3),
    _d("dpmpp-2m-sde", _MULTI, 4, **_FULL, **_SDE),
    _d("dpmpp-2s", _SINGLE, 2, 2, **_EVEN, **_MIN),
    _d("dpm-solver-2", _SINGLE, 2, 2, **_EVEN, **_EPS),
    _d("dpmpp-3s", _SINGLE, 2, 3, 3, **_EVEN, **_MIN, solver_order=3),
    _d("dpm-solver-3", _SINGLE, 2, 3, 3, **_EVEN, **_EPS, solver_order=3),
    _d("unipc(order=2,b=bh2)", _UNIPC, 4, **_FULL, **_MIN, solver_order=2, solver_type="bh2"),
    _d("unipc(order=3,b=bh2)", _UNIPC, 5, **_FULL, **_MIN, solver_order=3, solver_type="bh2"),
    _d("exp-adams-eps-2", "DEISMultistep", 3, **_FULL, solver_order=2),
    _d("dpm-solver-3m", "DEISMultistep", 4, **_FULL, solver_order=3),
    _d("sa-solver", "SASolver", 6, **_FULL, predictor_order=3, corrector_order=4),
    _d("euler", "EDMEuler", 2),
    _d("dpmpp-2m", "EDMDPMSolverMultistep", 3, **_FULL),
    _d("dpmpp-2m-sde", "EDMDPMSolverMultistep", 4, **_FULL, **_SDE),
    _d("dpmpp-2m-sde", "CosineDPMSolverMultistep", 4, **_FULL),
    _d("euler", "FlowMatchEulerDiscrete", 2),
    _d("heun(variable=t)", "FlowMatchHeunDiscrete", 2, 3),
    _d("euler-ancestral-rf", "LTXEulerAncestralRF", 3),
)

#: Settings of diffusers that belong to ``step``.
OF_STEP = (("DDIMScheduler", "eta"), ("LMSDiscreteScheduler", "order"), ("EulerDiscreteScheduler", "s_churn"))


@dataclass(frozen=True)
class Overhead:
    """Microseconds a step above the model's own time, and microseconds a run that no step adds to."""

    solver: str
    library: str
    name: str
    shape: tuple[int, ...]
    zoo: float
    peer: float
    floor: float
    zoo_start: float
    peer_start: float

    @property
    def ratio(self) -> float:
        """The zoo's cost over the peer's."""
        return self.zoo / self.peer


class Ready(Noise, Draws):
    """One ready tensor for every draw, so that noise costs nothing."""

    def __init__(self, x: Tensor) -> None:
        self.normals = torch.randn_like(x)

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
        return torch.full((len(self.normals),), 0.5, dtype=torch.float64)


def denoiser(x: Tensor, t: Tensor) -> Tensor:
    """The model of the measurement: one multiplication."""
    return x.mul(0.25)


def import_k_diffusion() -> Any:
    """``k_diffusion.sampling`` without the package's own ``__init__``, which needs much that sampling does not.

    Raises:
        PluginError: it is not installed.

    """
    found = importlib.util.find_spec("k_diffusion")
    if found is None or found.submodule_search_locations is None:
        raise PluginError("k-diffusion is not installed; `pip install --no-deps k-diffusion==0.1.1.post1` adds it.")
    if "k_diffusion" not in sys.modules:
        package = types.ModuleType("k_diffusion")
        package.__path__ = list(found.submodule_search_locations)
        package.__spec__ = found
        sys.modules["k_diffusion"] = package
    vision = {name: types.ModuleType(name) for name in ("torchvision", *_VISION)}
    before = {name: sys.modules.get(name) for name in vision}
    for name in _VISION:  # `from torchvision.transforms import functional` asks the parent for the child
        parent, _, child = name.rpartition(".")
        setattr(vision[parent], child, vision[name])
    sys.modules.update(vision)
    try:
        return importlib.import_module("k_diffusion.sampling")
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


_VISION = ("torchvision.transforms", "torchvision.transforms.functional")


def import_diffusers() -> Any:
    """``diffusers``, quiet.

    Raises:
        PluginError: it is not installed.

    """
    if importlib.util.find_spec("diffusers") is None:
        raise PluginError("diffusers is not installed; `pip install diffusers==0.42.1` adds it.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        diffusers = importlib.import_module("diffusers")
    diffusers.logging.set_verbosity_error()
    return diffusers


@contextlib.contextmanager
def replaced(owner: Any, **changes: Any) -> Iterator[None]:
    """Attributes that ``owner`` has, changed for a while."""
    before = {name: getattr(owner, name) for name in changes if hasattr(owner, name)}
    try:
        for name in before:
            setattr(owner, name, changes[name])
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


def measure(
    pairs: Sequence[Pair] = PAIRS,
    shapes: Sequence[tuple[int, ...]] = SHAPES,
    steps: int = 18,
    seconds: float = 4.0,
) -> list[Overhead]:
    """Measure every pair at every shape.

    Args:
        pairs: of `PAIRS`.
        shapes: of the whole state, batch first.
        steps: N; runs have N + 5 steps, and 5. A multiple of 6, so that no method ends in the middle of a cycle.
        seconds: for each pair at each shape.

    Raises:
        OptionError: ``steps`` is no multiple of 6.

    """
    if steps < 1 or steps % 6:
        raise OptionError(f"steps = {steps} is not possible; it takes a multiple of 6.")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Freeing one block as large as a network's activations ends glibc's returning of small ones to the system, which
    # otherwise costs either side a page fault for every 4 kB of state it touches.
    torch.empty(30 * 2**20, dtype=torch.uint8)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # diffusers warns of settings that it will drop
            return [_measure_one(pair, tuple(shape), steps, seconds) for shape in shapes for pair in pairs]
    finally:
        torch.set_num_threads(threads)


class _Counting:
    """The model, counting its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        self.calls += 1
        return denoiser(x, t)


def _measure_one(pair: Pair, shape: tuple[int, ...], steps: int, seconds: float) -> Overhead:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    times, noise = torch.ones(shape[0]), Ready(x)
    lengths = (FIRST, FIRST + steps)

    def alone() -> None:
        for _ in range(20):
            denoiser(x, times)

    with contextlib.ExitStack() as silent:
        sides = {"zoo": partial(_zoo, pair, x, noise), "peer": _PEERS[pair.library](pair, x, noise, silent)}
        calls: dict[Any, Callable[[], Any]] = {"model": alone, "floor": lambda: _floor(pair.updates, x, 20)}
        made: dict[Any, int] = {}
        for side, run in sides.items():
            for n in lengths:
                counting = _Counting()
                run(counting, n)
                made[side, n] = counting.calls
                calls[side, n] = partial(run, denoiser, n)
        best = _fastest(calls, seconds)
    each, start = {}, {}
    for side in sides:
        short, long = (best[side, n] - made[side, n] * best["model"] / 20 for n in lengths)
        a_call = (long - short) / (made[side, lengths[1]] - made[side, lengths[0]])
        each[side] = 1e6 * a_call * len(pair.updates)  # every update belongs to a call
        start[side] = 1e6 * (short - a_call * made[side, lengths[0]])
    return Overhead(
        solver=pair.solver,
        library=pair.library,
        name=pair.name,
        shape=shape,
        zoo=each["zoo"],
        peer=each["peer"],
        floor=1e6 * best["floor"] / 20,
        zoo_start=start["zoo"],
        peer_start=start["peer"],
    )


def _zoo(pair: Pair, x: Tensor, noise: Ready, model: Any, n: int) -> None:
    """``n`` steps of `sample` on the process and in the form that the peer has."""
    solver = pair.solver
    if pair.name == "sample_dpm_adaptive":
        solver = f"{solver}(rtol={_tolerance(n)},atol={_tolerance(n)})"
    sde, kind = _FORMS.get(pair.name.removesuffix("Scheduler"), (_VP, "eps"))
    if pair.library == "k-diffusion":
        sde, kind = _EDM, "x0"
    grid = _grid(sde, n)
    sample(FunctionModel(model, sde=sde, prediction=kind), solver, grid=grid, x=x, noise=noise)


_EDM, _VP, _RF = EDM(sigma_min=0.02, sigma_max=20.0), VP(t_min=1e-3), RectifiedFlow(t_min=1e-3, t_max=0.999)
#: Process and prediction of diffusers' schedulers that are not variance preserving in eps.
_FORMS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("EDMEuler", "EDMDPMSolverMultistep", "CosineDPMSolverMultistep"), (_EDM, "x0")),
    **dict.fromkeys(("FlowMatchEulerDiscrete", "FlowMatchHeunDiscrete", "LTXEulerAncestralRF"), (_RF, "flow")),
}


@functools.cache
def _grid(sde: Any, n: int) -> Any:
    return Karras().make_grid(sde, n)


def _tolerance(n: int) -> float:
    """For adaptive solvers of order 3, so that their attempts grow as ``n``."""
    return 0.02 * (FIRST / n) ** 3


def _k_diffusion(pair: Pair, x: Tensor, noise: Ready, silent: contextlib.ExitStack) -> Callable[[Any, int], None]:
    function = getattr(import_k_diffusion(), pair.name)
    silent.enter_context(replaced(torch, randn_like=lambda x: noise.normals))
    settings: dict[str, Any] = {**pair.settings, "disable": True}
    if "noise_sampler" in inspect.signature(function).parameters:
        settings["noise_sampler"] = noise.between
    low, high = _EDM.t_min, _EDM.t_max
    sigmas = functools.cache(lambda n: torch.tensor(_grid(_EDM, n).times))
    runs: dict[str, Callable[[Any, int], Any]] = {
        "sample_dpm_fast": lambda model, n: function(model, x, low, high, n, **settings),
        "sample_dpm_adaptive": lambda model, n: function(
            model, x, low, high, rtol=_tolerance(n), atol=_tolerance(n), **settings
        ),
    }
    return runs.get(pair.name, lambda model, n: function(model, x, sigmas(n), **settings))


def _diffusers(pair: Pair, x: Tensor, noise: Ready, silent: contextlib.ExitStack) -> Callable[[Any, int], None]:
    cls = getattr(import_diffusers(), pair.name)
    silent.enter_context(replaced(sys.modules[cls.__module__], randn_tensor=lambda *args, **kwargs: noise.normals))
    of_step = {key: value for key, value in pair.settings.items() if (pair.name, key) in OF_STEP}
    scheduler = cls(**{key: value for key, value in pair.settings.items() if key not in of_step})
    # a single-step scheduler counts calls, not steps
    calls = len(pair.updates) if pair.name == "DPMSolverSinglestepScheduler" else 1
    times = torch.ones(len(x))

    def run(model: Any, n: int) -> None:
        scheduler.set_timesteps(n * calls)
        if hasattr(scheduler, "noise_sampler"):
            scheduler.noise_sampler = noise.between
        y = x
        for t in scheduler.timesteps:
            seen = scheduler.scale_model_input(y, t) if hasattr(scheduler, "scale_model_input") else y
            y = scheduler.step(model(seen, times), t, y, return_dict=False, **of_step)[0]

    return run


_PEERS: dict[str, Any] = {"k-diffusion": _k_diffusion, "diffusers": _diffusers}


def _floor(updates: Sequence[int], x: Tensor, steps: int) -> Tensor:
    D = x.mul(0.25)
    for _ in range(steps):
        for arrays in updates:
            if arrays == 2:
                x = x.lerp(D, 0.1)
            else:
                x = x.mul(0.9)
                for _ in range(arrays - 1):
                    x.add_(D, alpha=0.1)
    return x


def _fastest(parts: dict[Any, Callable[[], Any]], seconds: float) -> dict[Any, float]:
    """Processor time of the fastest run of every part; in turn, and short parts often in their turn."""
    best = dict.fromkeys(parts, float("inf"))
    end = perf_counter() + seconds
    while perf_counter() < end:
        for name, part in parts.items():
            turn = perf_counter() + TURN
            while True:
                begin = thread_time()
                part()
                best[name] = min(best[name], thread_time() - begin)
                if perf_counter() > turn:
                    break
    return best


def setup_milliseconds(solver: Any, rule: Any, sde: Any, steps: int = 1000, seconds: float = 1.0) -> float:
    """Milliseconds to make a grid of ``steps`` intervals and the solver's coefficients for it."""
    return 1e3 * _fastest({"": lambda: solver.plan(rule.make_grid(sde, steps))}, seconds)[""]


def markdown(rows: Sequence[Overhead]) -> Iterator[str]:
    """A line a pair: zoo, peer and ratio at every shape, and the floor at the largest."""
    pairs: dict[tuple[str, str], list[Overhead]] = {}
    for row in rows:
        pairs.setdefault((row.solver, row.name), []).append(row)
    shapes = dict.fromkeys("x".join(map(str, row.shape)) for row in rows)
    yield "| zoo | peer |" + "".join(f" {shape}: zoo | peer | ratio |" for shape in shapes) + " floor |"
    yield "|---|---|" + "---|---|---|" * len(shapes) + "---|"
    for (solver, name), both in pairs.items():
        figures = "".join(f" {row.zoo:.0f} | {row.peer:.0f} | {row.ratio:.2f} |" for row in both)
        yield f"| `{solver}` | `{name}` |{figures} {both[-1].floor:.0f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m solvers_zoo.overhead", description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=18)
    parser.add_argument("--seconds", type=float, default=4.0, help="for every solver at every shape")
    parser.add_argument("--only", action="append", default=[], help="part of a solver's or peer's name; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/agreement.md")
    given = parser.parse_args(arguments)
    names = given.only or [""]
    pairs = [pair for pair in PAIRS if any(name in f"{pair.solver} {pair.library} {pair.name}" for name in names)]
    rows = measure(pairs, steps=given.steps, seconds=given.seconds)
    if given.json:
        print(json.dumps([asdict(row) | {"ratio": row.ratio} for row in rows], indent=2))  # noqa: T201
        return
    if given.markdown:
        print("\n".join(markdown(rows)))  # noqa: T201
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("solver", "peer", "state", title="microseconds a step above the model", title_justify="left")
    for column in ("zoo", "peer", "ratio", "floor", "start", "its start"):
        table.add_column(column, justify="right")
    for row in rows:
        figures = (
            f"{row.zoo:.1f}",
            f"{row.peer:.1f}",
            f"{row.ratio:.2f}",
            f"{row.floor:.1f}",
            f"{row.zoo_start:.0f}",
            f"{row.peer_start:.0f}",
        )
        table.add_row(row.solver, row.name, "x".join(map(str, row.shape)), *figures)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


if __name__ == "__main__":
    main()
