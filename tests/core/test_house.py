"""The rules of the house: who may import whom, what may be loaded, and what must be documented."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import solvers_zoo as zoo
from solvers_zoo.registry.public import HOME_OF

ROOT = Path(__file__).parents[2]
CORE, PLUGINS = ROOT / "solvers_zoo", ROOT / "plugins"
FAMILIES = sorted(folder.name for folder in PLUGINS.iterdir() if folder.is_dir() and folder.name.startswith("zoo_"))

sys.path.append(str(ROOT / "docs"))
import rooms  # noqa: E402 (the levels, which the page about the design shows too)

#: Imports that go up, with the reason of each: at most three.
UPWARD = {
    "numerics.exponential -> processes.base": "for type checkers: the weights of a step are made from points of the schedule",
    "time_grids.fitting -> solving.stepping": "for type checkers: a grid is fitted to a solver, and solvers step on grids",
}
#: Imports inside one room that lead back to where they began, with the reason of each.
BACK = {
    "processes.prediction -> processes.base": "for type checkers: a point makes predictions, and a prediction keeps its point",
    "score_models.base -> score_models.analytic": "for type checkers: a model says which analytic law it has, if any",
    "registry.options -> registry": "an option that holds a solver takes its name, and looks it up when it is set",
    "sampling.result -> sampling.storage": "a Result saves and loads itself; what its file looks like has a module of its own",
    "metrics.sampled -> metrics.chance": "a metric is asked for a figure; what chance shows in its place is worked out apart",
    "metrics.sampled -> metrics.reference": "a law keeps what exact samples show of a metric, and a metric is told of the law",
}


def excepted(listed: dict[str, str]) -> set[tuple[str, str]]:
    """The exceptions as pairs of modules."""
    pairs = (arrow.split(" -> ") for arrow in listed)
    return {(f"solvers_zoo.{own}", f"solvers_zoo.{target}") for own, target in pairs}


@functools.cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, of the core and all bundled plugins."""
    found = {}
    for base, root in ((CORE, ROOT), (PLUGINS, PLUGINS)):
        for path in base.rglob("*.py"):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def stated(path: Path) -> Iterator[tuple[str, str, int]]:
    """Every import of a file as (module, name or nothing, line): at the top, inside functions, for type checkers only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from ((node.module or "", alias.name, node.lineno) for alias in node.names)


@functools.cache
def re_exported(package: str) -> dict[str, str]:
    """Name -> module of what the ``__init__`` of a package imports."""
    path = modules()[package]
    return {name: module for module, name, _ in stated(path) if name} if path.name == "__init__.py" else {}


def meant(module: str, name: str) -> str:
    """The module that ``from module import name`` leads to: a sub-module, or where a package has the name from."""
    if f"{module}.{name}" in modules():
        return f"{module}.{name}"
    home = re_exported(module).get(name) if module in modules() else None
    return meant(home, name) if home and home != module else module


@functools.cache
def arrows() -> dict[str, dict[str, int]]:
    """Module -> what it imports of the core and the bundled plugins, with the line of it."""
    found: dict[str, dict[str, int]] = {}
    for own, path in modules().items():
        targets = ((meant(module, name), line) for module, name, line in stated(path))
        found[own] = {target: line for target, line in targets if target in modules() and target != own}
    return found


def room(module: str) -> str:
    """The room of a module of the core: a folder, or a file at the top."""
    return [*module.split("."), "__init__"][1]


def upward() -> Iterator[tuple[str, str]]:
    """Imports from one room of the core into another that is on no lower level."""
    level = {name: height for height, names in enumerate(rooms.LEVELS) for name in names}
    for own, targets in arrows().items():
        if own.startswith("solvers_zoo"):
            inside = [target for target in targets if target.startswith("solvers_zoo") and room(target) != room(own)]
            yield from ((own, target) for target in inside if level[room(target)] <= level[room(own)])


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one node: sets of modules that reach each other."""
    order, seen = [], set()
    back: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            back[target].add(node)
    for start in graph:  # Kosaraju's two walks
        walk = [(start, iter(graph[start]))] if start not in seen else []
        seen.add(start)
        while walk:
            node, targets = walk[-1]
            target = next((target for target in targets if target not in seen), None)
            if target is None:
                order.append(node)
                walk.pop()
            else:
                seen.add(target)
                walk.append((target, iter(graph[target])))
    found, left = [], set(graph)
    for start in reversed(order):
        group, todo = [], [start] if start in left else []
        while todo:
            node = todo.pop()
            if node in left:
                left.discard(node)
                group.append(node)
                todo += back[node]
        if len(group) > 1:
            found.append(sorted(group))
    return found


def test_rooms_import_lower_levels_only():
    found = set(upward())
    wrong = [f"{own}:{arrows()[own][target]} -> {target}" for own, target in sorted(found - excepted(UPWARD))]
    assert not wrong, "imports that do not go down:\n" + "\n".join(wrong)
    assert len(UPWARD) <= 3
    assert excepted(UPWARD) <= found, "no longer there"


def test_imports_make_no_circle():
    graph = {own: set(targets) for own, targets in arrows().items()}
    for own, target in excepted(UPWARD | BACK):
        assert target in graph[own], f"{own} no longer imports {target}"
        graph[own].discard(target)
    found = [
        "\n".join(f"{own}:{arrows()[own][target]} -> {target}" for own in group for target in graph[own] & set(group))
        for group in circles(graph)
    ]
    assert not found, "circles of imports:\n" + "\n\n".join(found)
    for own, target in excepted(BACK):
        assert room(own) == room(target), f"a circle leaves its room: {own} -> {target}"
        again = {**graph, own: {*graph[own], target}}
        assert circles(again), f"{own} -> {target} closes no circle"


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "d"}}) == [["b", "c"]]
    assert not circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_every_room_stands_on_one_level():
    listed = [name for names in rooms.LEVELS for name in names]
    assert len(listed) == len(set(listed)), "a room stands on two levels"
    here = {path for path in CORE.iterdir() if path.name != "__pycache__"}
    files = {path.name for path in here if path.is_file()} - {"__main__.py"}
    assert files == {"__init__.py", "catalogue.py", "errors.py", "py.typed"}, "a file at the top belongs into a room"
    folders = {path.name for path in here if path.is_dir()}
    assert {*folders, "__init__", "catalogue", "errors"} == set(listed), "say in docs/rooms.py where a room stands"
    assert not {path.stem for path in here} & set(zoo.__all__), "a sub-module of that name would shadow a public name"


def test_every_room_says_what_it_is_for():
    for name in (name for names in rooms.LEVELS for name in names):
        line = rooms.first_line(name)
        assert len(line) <= 120, f"the first line of {name} is too long for a list: {line!r}"
        assert re.fullmatch(r"[A-Z].+ .+\.", line), f"the first line of {name} is no sentence: {line!r}"


def test_written_lists_of_rooms_are_those_of_the_code():
    for path, text in rooms.written().items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)}: python docs/rooms.py writes it"


@pytest.mark.parametrize("family", FAMILIES)
def test_plugins_import_public_names_only_and_no_other_plugin(family: str):
    wrong = []
    for path in (PLUGINS / family).rglob("*.py"):
        for module, name, line in stated(path):
            where = f"{path.relative_to(PLUGINS)}:{line} imports"
            top = module.split(".")[0]
            if top.startswith("zoo_") and top != family:
                wrong.append(f"{where} the plugin {top}")
            if top == "solvers_zoo" and not public(module, name):
                wrong.append(f"{where} {name or 'all'} of {module}, which is not public")
    assert not wrong, "\n".join(wrong)


def public(module: str, name: str) -> bool:
    """Whether a plugin may say ``from module import name``, or ``import module``."""
    part = module.removeprefix("solvers_zoo").removeprefix(".")
    if not name:
        return not part or part in rooms.PUBLIC
    if f"{part}.{name}".removeprefix(".") in rooms.PUBLIC:
        return True
    if not part:
        return name in zoo.__all__
    return part in rooms.PUBLIC and name in (*rooms.exports(part), *rooms.types(part))


@pytest.mark.parametrize(
    ("module", "name", "allowed"),
    [
        ("solvers_zoo", "", True),
        ("solvers_zoo", "combine", True),
        ("solvers_zoo", "registry", True),
        ("solvers_zoo", "storage", False),
        ("solvers_zoo.registry", "default", True),
        ("solvers_zoo.registry", "annotations", False),
        ("solvers_zoo.solving.stepping", "Solver", False),
        ("solvers_zoo.sampling.driver", "", False),
    ],
)
def test_what_is_public(module: str, name: str, allowed: bool):
    assert public(module, name) == allowed


def test_public_sub_modules_have_what_they_offer():
    from importlib import import_module

    for part in rooms.PUBLIC:
        module = import_module(f"solvers_zoo.{part}")
        assert rooms.exports(part), f"solvers_zoo.{part} offers no name"
        assert all(getattr(module, name, None) is not None for name in rooms.exports(part)), part


def test_core_imports_no_plugin():
    wrong = [(own, target) for own, targets in arrows().items() for target in targets if own.startswith("solvers_zoo")]
    assert not [(own, target) for own, target in wrong if target.startswith("zoo_")]
    for own, path in modules().items():
        if own.startswith("solvers_zoo"):
            assert not [module for module, _, _ in stated(path) if module.startswith("zoo_")], own


def test_registry_plugins_and_command_line_are_light():
    code = "import sys\nfrom solvers_zoo import registry\nimport solvers_zoo.cli.app\n"
    code += "found = registry.default()\nassert all(p.ok for p in found.plugins), [p.problems for p in found.plugins]\n"
    code += "assert len(found.entries('solver')) >= 25\n"
    code += "".join(
        f"[entry.card for entry in found.entries({kind!r})]\n" for kind in ("solver", "sde", "model", "grid")
    )
    code += "print(sorted({'torch', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr


def test_public_tables_agree():
    """What type checkers read and what is imported at run time are the same names from the same modules."""
    tree = ast.parse((CORE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, f"{alias.name} is not re-exported"
            seen[alias.name] = (node.module or "").removeprefix("solvers_zoo.")
    assert seen == HOME_OF


def test_public_names_exist_and_are_documented():
    for name in zoo.__all__:
        thing = getattr(zoo, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert (inspect.getdoc(thing) or "").strip(), f"solvers_zoo.{name} has no docstring"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        zoo.nothing  # noqa: B018


def test_bundled_plugins_use_the_ordinary_door():
    """Every family in plugins/ is an entry point, and nothing but entry points is listed."""
    import tomllib

    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["solvers_zoo"]
    assert set(points.values()) == {*FAMILIES, "solvers_zoo.catalogue"}


def test_modules_that_moved_are_where_the_page_says():
    """The table of those who upgrade: what is in its second column can be imported, what is in its first cannot."""
    text = (ROOT / "docs" / "upgrading.md").read_text().partition("## Modules that moved")[2]
    moved = re.findall(r"^\| `(solvers_zoo[\w.]+)` \| `(solvers_zoo[\w.]+)` \|$", text, re.MULTILINE)
    assert len(moved) > 30
    assert not [new for _, new in moved if new not in modules()]
    assert not [old for old, _ in moved if old in modules()]
