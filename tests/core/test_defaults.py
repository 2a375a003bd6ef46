"""The core knows no solver and no grid by its name, but for one table of defaults.

The rule: in the syntax trees of the core no string literal is, as a whole, a specification of a registered solver or grid
(``heun``, ``solvers_zoo:heun``, ``ddim:eta=0.5``, ``gits(student=ddim)``), aliases included. Docstrings are left out, and so
are sentences that hold a name as an example (help texts, messages), for they are no specification as a whole. Besides,

-   a card may say the name of the thing whose card it is, at ``name=`` and ``aliases=``;
-   the files of `TABLES` may hold names, for the reason given there;
-   a name that is a word of the field too may stand where `WORDS` says, in that other meaning, but never where something is
    looked up: as an argument of `LOOKUPS`, or for a parameter, an attribute or an option of such a name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from solvers_zoo import registry
from solvers_zoo.registry import defaults

CORE = Path(__file__).parents[2] / "solvers_zoo"
TABLES = {
    "registry/defaults.py": "the table of defaults",
    "bench/overhead/pairs.py": "which solver does the arithmetic of which class of another library: the subject of the comparison",
    "testing/": "the kit's grids, computed in problems.py, so that an error in a registered rule cannot hide one in a solver",
}
WORDS = {
    "adaptive": ("cli/", "a column of solvers without a fixed number of evaluations"),
    "align": ("charts/", "a setting of the charts' library"),
    "discrete": ("time_grids/", "a need of a grid: times that are indices"),
    "explicit": ("numerics/", "a kind of tableau"),
    "exponential": ("solving/", "a module: methods that integrate the linear part exactly"),
    "lam": ("", "the half log-SNR, a field of a point and a variable of integration"),
    "linear": ("", "how betas grow, an error of a score, a line of a chart"),
    "log-snr": ("train/", "a law of training times"),
    "times": ("bench/", "a column: the times of a run"),
    "uniform": ("train/", "a law of training times"),
}
LOOKUPS = {"make", "solver", "grid", "default_grid", "rule", "student", "sample", "encode", "edit", "make_grid"}
NAMES = {
    name
    for kind in ("solver", "grid")
    for entry in registry.default().entries(kind)
    for name in (entry.card.name, *entry.card.aliases)
}
SPECIFICATION = re.compile(r"(?:[\w-]*:)?([\w-]+)(?:[(:].*)?", re.DOTALL)


def named(text: str) -> str | None:
    """The name in ``text``, if that is as a whole a specification of a registered solver or grid."""
    whole = SPECIFICATION.fullmatch(text)
    parts = [text.split("(")[0].split(":")[0], whole[1]] if whole else []
    return next((name for name in parts if name in NAMES), None)


def called(node: ast.Call) -> str:
    """The last word of what is called."""
    return ast.unparse(node.func).rsplit(".", 1)[-1]


def literals(tree: ast.AST, around: str = "", card: bool = False) -> Iterator[tuple[ast.Constant, str, bool]]:
    """Every string literal but docstrings, with what it is given to, and whether a card says its own name with it."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree, around, card
    body = getattr(tree, "body", None)
    document = (
        body[0]
        if isinstance(body, list) and body and isinstance(tree, ast.Module | ast.ClassDef | ast.FunctionDef)
        else None
    )
    for child in ast.iter_child_nodes(tree):
        if child is document and isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        own, to = card, around
        if isinstance(tree, ast.Call) and child is not tree.func:
            to = child.arg or "" if isinstance(child, ast.keyword) else called(tree)
            own = called(tree).endswith("Card") and to in ("name", "aliases")
        elif isinstance(tree, ast.Assign | ast.AnnAssign):
            to = ast.unparse(tree.targets[0] if isinstance(tree, ast.Assign) else tree.target).rsplit(".", 1)[-1]
        elif isinstance(tree, ast.arguments):
            to = parameter_of(tree, child)
        yield from literals(child, to, own)


def parameter_of(arguments: ast.arguments, default: ast.AST) -> str:
    """The parameter that a default belongs to."""
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
    pairs += [*zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return next((argument.arg for argument, value in pairs if value is default), "")


def offences(source: str, path: str) -> list[str]:
    """The literals of a file of the core that break the rule."""
    if any(path.startswith(table) for table in TABLES):
        return []
    found = []
    for node, to, own in literals(ast.parse(source)):
        name = named(str(node.value))
        elsewhere = name in WORDS and path.startswith(WORDS[name][0]) and to not in LOOKUPS
        if name and not own and not elsewhere:
            found.append(f"{path}:{node.lineno} knows {node.value!r}")
    return found


def test_the_core_knows_no_solver_and_no_grid_by_name():
    found = [
        line
        for path in sorted(CORE.rglob("*.py"))
        for line in offences(path.read_text(), path.relative_to(CORE).as_posix())
    ]
    assert not found, "put it into solvers_zoo/registry/defaults.py, with its reason"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ('def run(model, solver="heun"): pass', "sampling/driver.py"),
        ('make("solver", "solvers_zoo:heun")', "metrics/calibration.py"),
        ('SOLVER = f"{OWN}:heun"', "cli/request.py"),
        ('STUDENT = "gits(student=ddim)"', "bench/recommend.py"),
        ('default = "ddim:eta=0.5"', "editing/sdedit.py"),
        ('make("grid", "uniform")', "train/trainer.py"),
        ('def run(*, rule="linear"): pass', "charts/panels.py"),
        ('default_grid = "uniform"', "processes/vp.py"),
        ('kind = "uniform"', "processes/vp.py"),
        ('card = GridCard(name="karras", title="heun")', "time_grids/karras.py"),
    ],
)
def test_a_name_is_found(source: str, path: str):
    assert len(offences(source, path)) == 1


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ('"""heun"""', "sampling/driver.py"),
        ('help = "the solver that steps: ddim, heun, ..."', "solving/around.py"),
        ('card = GridCard(name="karras", aliases=("edm-grid",))', "time_grids/karras.py"),
        ('times = "uniform"', "train/objectives/base.py"),
        ('SOLVER = "heun"', "registry/defaults.py"),
    ],
)
def test_what_may_stand(source: str, path: str):
    assert not offences(source, path)


def test_every_default_is_registered():
    found = registry.default()
    for name in ("SOLVER", "ROUND_TRIP", "DENSITY", "WRAPPED"):
        assert found.make("solver", getattr(defaults, name))
    assert all(found.make("solver", solver) for solver in defaults.SWEPT)
    assert all(
        found.make("grid", grid) for grid in (defaults.GRID, defaults.GAUSSIAN_GRID, *filter(None, defaults.SCOUTED))
    )


def test_every_exception_is_needed():
    assert all((CORE / table).exists() for table in TABLES)
    used = {
        named(str(node.value))
        for path in CORE.rglob("*.py")
        for node, _, own in literals(ast.parse(path.read_text()))
        if not own
    }
    assert used >= set(WORDS)
