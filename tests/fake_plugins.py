"""Distributions made for a test: a module and the metadata that a real installer would leave beside it."""

from __future__ import annotations

from pathlib import Path

SOLVER = '''
from solvers_zoo import SolverCard, Source, Step, StepSolver, hookimpl

SOURCE = Source(authors="Nobody 2024", title="Nothing", where="eq. (1)", link="https://example.org")

class {cls}(StepSolver):
    """x_s = alpha_s x0 + sigma_s eps."""

    card = SolverCard(name="{name}", title="A test", family="test", order=1, weak_order=1, source=SOURCE{more})

    def step(self, model, x, interval, memory, noise):
        return Step(model(x, interval.t).mix(interval.s.alpha, interval.s.sigma))
'''

HOOK = """
@hookimpl
def zoo_solvers():
    return [{cls}]
"""


def solver(name: str, cls: str = "Fake", more: str = "") -> str:
    """Source of a module with one solver and its hook."""
    return SOLVER.format(name=name, cls=cls, more=more) + HOOK.format(cls=cls)


def install(folder: Path, dist: str, source: str, entry: str = "", version: str = "1.0") -> None:
    """Leave in ``folder`` what an installed distribution with one plugin leaves in site-packages."""
    module = dist.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[solvers_zoo]\n{entry or dist} = {module}\n")


#: Plugins with something wrong, and a part of the sentence that must say so.
BROKEN = {
    "zoo-raises": ("raise RuntimeError('no such device')", "does not load: RuntimeError: no such device"),
    "zoo-exits": ("import sys; print('chatter'); sys.exit(3)", "does not load: SystemExit: 3"),
    "zoo-missing": ("import a_library_nobody_has", "does not load: ModuleNotFoundError"),
    "zoo-syntax": ("def (", "does not load: SyntaxError"),
    "zoo-misspelt": (
        solver("misspelt").replace("def zoo_solvers", "def zoo_solver"),
        "implements an unknown hook 'zoo_solver'; did you mean zoo_solvers?",
    ),
    "zoo-arguments": (
        solver("arguments").replace("zoo_solvers()", "zoo_solvers(registry)"),
        "does not load: PluginValidationError",
    ),
    "zoo-future": (solver("future", more=", api=99"), "'future' needs version 99 of the plugin interface"),
    "zoo-cardless": (
        "from solvers_zoo import hookimpl\n@hookimpl\ndef zoo_solvers():\n    return [int]",
        "which carries no card",
    ),
    "zoo-wrong-kind": (
        solver("wrong-kind").replace("def zoo_solvers", "def zoo_grids"),
        "registers 'wrong-kind' as a grid, but its card is that of a solver",
    ),
    "zoo-no-solver": (
        solver("no-solver").replace("(StepSolver)", "") + "    pass",
        "is not a subclass of solvers_zoo.Solver",
    ),
    "zoo-stepless": (
        solver("stepless").replace("def step(", "def stepp("),
        "registers 'stepless' as a solver, but Fake does not define step",
    ),
    "zoo-bad-name": (solver("bad name"), "'bad name' cannot be a name"),
    "zoo-midway": (
        SOLVER.format(name="midway", cls="Fake", more="")
        + "@hookimpl\ndef zoo_solvers():\n    yield Fake\n    raise KeyError('lost')",
        "zoo_solvers() failed: KeyError: 'lost'",
    ),
    "zoo-own-error": (
        "from solvers_zoo import PluginError, hookimpl\n@hookimpl\ndef zoo_sdes():\n    raise PluginError('not today')",
        "zoo_sdes() failed: PluginError: not today",
    ),
    "zoo-clash": (
        solver("heun"),
        "the name 'heun' is claimed by solvers-zoo (plugin runge-kutta) and by zoo-clash (plugin zoo-clash)",
    ),
}
