"""What a solver costs a step besides the model, against k-diffusion's implementation of the same algorithm.

    python -m solvers_zoo.overhead [--json] [--steps 20] [--seconds 10]

Both sides run the same function as the model on the same grid; the time of the function alone is subtracted, and so
is that of the noise that k-diffusion's Euler and Heun draw without using it. The zoo's side is the whole of `sample`,
counting and coefficients included. What a step costs is the difference of runs of N + 1 steps and one, over N; what a run of
no steps would cost is its start (the zoo checks its arguments and its result once a run). The floor is what the
arithmetic alone costs: one ``lerp`` a step for Euler, two for Heun, ``mul``, ``add_``, ``add_`` for 2M.

All parts are interleaved in one process on one thread; runs are short and the fastest of many counts, so that other work on
the machine disturbs neither side.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.errors import PluginError
from solvers_zoo.processes.edm import EDM
from solvers_zoo.sampling.driver import sample
from solvers_zoo.score_models.function import FunctionModel
from solvers_zoo.time_grids.karras import Karras

#: The solvers compared: name here, function there, evaluations a step, whether the peer draws noise it does not use.
PAIRS = {
    "euler": ("sample_euler", 1, True),
    "heun": ("sample_heun", 2, True),
    "dpmpp-2m": ("sample_dpmpp_2m", 1, False),
}
SHAPES = ((64, 2), (64, 3, 32, 32))


@dataclass(frozen=True)
class Overhead:
    """Microseconds a step above the model's own time, and microseconds a run that no step adds to."""

    solver: str
    shape: tuple[int, ...]
    zoo: float
    peer: float
    floor: float
    zoo_start: float
    peer_start: float

    @property
    def ratio(self) -> float:
        """The zoo's cost over k-diffusion's."""
        return self.zoo / self.peer


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


def measure(
    solvers: Sequence[str] = tuple(PAIRS),
    shapes: Sequence[tuple[int, ...]] = SHAPES,
    steps: int = 20,
    seconds: float = 10.0,
) -> list[Overhead]:
    """Measure every solver at every shape.

    Args:
        solvers: keys of `PAIRS`.
        shapes: of the whole state, batch first.
        steps: N; runs have N + 1 steps, and one.
        seconds: for each solver at each shape.

    """
    peer = import_k_diffusion()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Freeing one block as large as a network's activations ends glibc's returning of small ones to the system, which
    # otherwise costs either side a page fault for every 4 kB of state it touches.
    torch.empty(30 * 2**20, dtype=torch.uint8)
    try:
        with torch.no_grad():
            return [_measure_one(peer, solver, tuple(shape), steps, seconds) for shape in shapes for solver in solvers]
    finally:
        torch.set_num_threads(threads)


def _measure_one(peer: Any, solver: str, shape: tuple[int, ...], steps: int, seconds: float) -> Overhead:
    function, evaluations, draws = PAIRS[solver]
    sde = EDM(sigma_min=0.02, sigma_max=20.0)
    grids = {n: Karras().make_grid(sde, n) for n in (1, steps + 1)}
    sigmas = {n: torch.tensor(grid.times) for n, grid in grids.items()}
    model = FunctionModel(denoiser, sde=sde, prediction="x0")
    x = 20 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    times = torch.ones(shape[0])
    run = getattr(peer, function)

    def alone(steps: int) -> None:
        y = x
        for _ in range(steps * evaluations):
            y = denoiser(y, times)

    def noise(steps: int) -> None:
        for _ in range(steps if draws else 0):
            torch.randn_like(x)

    parts: dict[str, Callable[[int], Any]] = {
        "zoo": lambda n: sample(model, solver, grid=grids[n], x=x),
        "peer": lambda n: run(denoiser, x, sigmas[n], disable=True),
        "model": alone,
        "floor": lambda n: _floor(solver, x, n),
        "noise": noise,
    }
    calls: dict[Any, Callable[[], Any]] = {
        (name, n): partial(part, n) for name, part in parts.items() for n in (1, steps + 1)
    }
    best = _fastest(calls, seconds)
    each = {name: 1e6 * (best[name, steps + 1] - best[name, 1]) / steps for name in parts}
    start = {name: 1e6 * best[name, 1] - each[name] for name in ("zoo", "peer")}
    return Overhead(
        solver=solver,
        shape=shape,
        zoo=each["zoo"] - each["model"],
        peer=each["peer"] - each["model"] - each["noise"],
        floor=each["floor"],
        zoo_start=start["zoo"],
        peer_start=start["peer"],
    )


def _floor(solver: str, x: Tensor, steps: int) -> Tensor:
    D = old = x.mul(0.25)
    for _ in range(steps):
        if solver == "euler":
            x = x.lerp(D, 0.1)
        elif solver == "heun":
            x = x.lerp(D, 0.1).lerp(D, 0.1)
        else:
            x = x.mul(0.9).add_(D, alpha=0.2).add_(old, alpha=-0.1)
    return x


def _fastest(parts: dict[Any, Callable[[], Any]], seconds: float) -> dict[Any, float]:
    best = dict.fromkeys(parts, float("inf"))
    end = perf_counter() + seconds
    while perf_counter() < end:
        for name, part in parts.items():
            begin = perf_counter()
            part()
            best[name] = min(best[name], perf_counter() - begin)
    return best


def setup_milliseconds(solver: Any, rule: Any, sde: Any, steps: int = 1000, seconds: float = 1.0) -> float:
    """Milliseconds to make a grid of ``steps`` intervals and the solver's coefficients for it."""
    return 1e3 * _fastest({"": lambda: solver.plan(rule.make_grid(sde, steps))}, seconds)[""]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m solvers_zoo.overhead", description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    rows = measure(steps=given.steps, seconds=given.seconds)
    if given.json:
        print(json.dumps([asdict(row) | {"ratio": row.ratio} for row in rows], indent=2))  # noqa: T201
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("solver", "state", title="microseconds a step above the model", title_justify="left")
    for column in ("zoo", "k-diffusion", "ratio", "floor", "start", "its start"):
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
        table.add_row(row.solver, "x".join(map(str, row.shape)), *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
