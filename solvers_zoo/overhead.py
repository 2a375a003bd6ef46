"""What a solver costs a step besides the model, against k-diffusion's implementation of the same algorithm.

    python -m solvers_zoo.overhead [--json] [--steps 50] [--repeats 60]

Both sides run the same function as the model on the same grid; the time of the function alone is subtracted, and so
is that of the noise that k-diffusion's Euler and Heun draw without using it. The zoo's side is the whole of `sample`: counting,
Points, checks and Result included. All parts are interleaved in one process on one thread, and the minimum over the
repeats is kept, so other work on the machine disturbs neither side. The floor is what the arithmetic alone costs: one
``lerp`` a step for Euler, two for Heun, ``mul``, ``add_``, ``add_`` for 2M.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
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
    """Microseconds a step above the model's own time."""

    solver: str
    shape: tuple[int, ...]
    zoo: float
    peer: float
    floor: float

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
    steps: int = 50,
    repeats: int = 60,
) -> list[Overhead]:
    """Measure every solver at every shape.

    Args:
        solvers: keys of `PAIRS`.
        shapes: of the whole state, batch first.
        steps: steps of a run.
        repeats: interleaved runs of each part; the fastest counts.

    """
    peer = import_k_diffusion()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Freeing one block as large as a network's activations ends glibc's returning of small ones to the system, which
    # otherwise costs either side a page fault for every 4 kB of state it touches.
    torch.empty(30 * 2**20, dtype=torch.uint8)
    try:
        with torch.no_grad():
            return [_measure_one(peer, solver, tuple(shape), steps, repeats) for shape in shapes for solver in solvers]
    finally:
        torch.set_num_threads(threads)


def _measure_one(peer: Any, solver: str, shape: tuple[int, ...], steps: int, repeats: int) -> Overhead:
    function, evaluations, draws = PAIRS[solver]
    sde = EDM(sigma_min=0.02, sigma_max=20.0)
    grid = Karras().make_grid(sde, steps)
    sigmas = torch.tensor(grid.times)
    model = FunctionModel(denoiser, sde=sde, prediction="x0")
    x = 20 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    times = torch.ones(shape[0])
    run = getattr(peer, function)

    def alone() -> None:
        y = x
        for _ in range(steps * evaluations):
            y = denoiser(y, times)

    def noise() -> None:
        for _ in range(steps):
            torch.randn_like(x)

    parts: dict[str, Callable[[], Any]] = {
        "zoo": lambda: sample(model, solver, grid=grid, x=x),
        "peer": lambda: run(denoiser, x, sigmas, disable=True),
        "model": alone,
        "floor": lambda: _floor(solver, x, steps),
        "noise": noise if draws else lambda: None,
    }
    best = _fastest(parts, repeats)
    each = {name: 1e6 * seconds / steps for name, seconds in best.items()}
    return Overhead(
        solver, shape, each["zoo"] - each["model"], each["peer"] - each["model"] - each["noise"], each["floor"]
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


def _fastest(parts: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    best = dict.fromkeys(parts, float("inf"))
    for _ in range(repeats):
        for name, part in parts.items():
            begin = perf_counter()
            part()
            best[name] = min(best[name], perf_counter() - begin)
    return best


def setup_milliseconds(solver: Any, rule: Any, sde: Any, steps: int = 1000, repeats: int = 20) -> float:
    """Milliseconds to make a grid of ``steps`` intervals and the solver's coefficients for it."""
    return 1e3 * _fastest({"": lambda: solver.plan(rule.make_grid(sde, steps))}, repeats)[""]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m solvers_zoo.overhead", description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    rows = measure(steps=given.steps, repeats=given.repeats)
    if given.json:
        print(json.dumps([asdict(row) | {"ratio": row.ratio} for row in rows], indent=2))  # noqa: T201
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("solver", "state", title="microseconds a step above the model", title_justify="left")
    for column in ("zoo", "k-diffusion", "ratio", "floor"):
        table.add_column(column, justify="right")
    for row in rows:
        figures = f"{row.zoo:.1f}", f"{row.peer:.1f}", f"{row.ratio:.2f}", f"{row.floor:.1f}"
        table.add_row(row.solver, "x".join(map(str, row.shape)), *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
