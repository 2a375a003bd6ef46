"""The rules of the house: who may import whom, what may be loaded, and what must be documented."""

from __future__ import annotations

import ast
import inspect
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

#: Folders of the core from the top down: each may import itself and those below it, at module level.
STOREYS = [
    {"cli"},
    {"studies"},
    {"interop"},
    {"testing", "bench", "overhead", "train", "likelihood", "editing"},
    {"pictures", "charts"},
    {"sampling"},
    {"metrics", "exact"},
    {"catalogue"},
    {"multistep", "stages", "exponential", "adaptive_steps"},
    {"columns"},
    {"inverse"},
    {"stepping", "score_models", "time_grids", "noise"},
    {"processes"},
    {"executors"},
    {"numerics"},
]
#: What every folder may use: facts, options, errors, and the registry that finds things by name.
GROUND = {
    "card",
    "checkpoints",
    "errors",
    "files",
    "hookspecs",
    "measured",
    "options",
    "registry",
    "spec",
    "tensorfiles",
}


def imports(path: Path, everywhere: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Modules that a file imports at run time, with the names; inside functions too if asked."""
    tree = ast.parse(path.read_text())
    nodes = list(tree.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", [alias.name for alias in node.names]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            nodes += list(ast.iter_child_nodes(node))


def storey(module: str) -> int | None:
    """The storey of ``solvers_zoo.folder...``, or None for the ground."""
    part = [*module.split("."), ""][1]
    return next((level for level, folders in enumerate(STOREYS) if part in folders), None)


@pytest.mark.parametrize("family", FAMILIES)
def test_plugins_import_public_names_only_and_no_other_plugin(family: str):
    public = set(zoo.__all__) | {"registry"}
    for path in (PLUGINS / family).rglob("*.py"):
        for module, names in imports(path, everywhere=True):
            top = module.split(".")[0]
            assert not (top.startswith("zoo_") and top != family), f"{path.name} imports the plugin {top}"
            if top == "solvers_zoo":
                assert module == "solvers_zoo" or module.startswith("solvers_zoo.numerics"), (
                    f"{path.name} imports {module}, which is not public"
                )
                assert not any(name.startswith("_") for name in names), f"{path.name} imports a private name"
                if module == "solvers_zoo":
                    assert set(names) <= public, f"{path.name} imports {set(names) - public}, which is not public"


def test_core_imports_no_plugin():
    for path in CORE.rglob("*.py"):
        for module, _ in imports(path, everywhere=True):
            assert not module.startswith("zoo_"), f"{path.relative_to(ROOT)} imports the plugin {module}"


def test_folders_import_downwards_only():
    for path in CORE.rglob("*.py"):
        own = storey("solvers_zoo." + path.relative_to(CORE).with_suffix("").as_posix().replace("/", "."))
        if own is None:
            continue
        for module, names in imports(path):
            targets = [f"solvers_zoo.{name}" for name in names] if module == "solvers_zoo" else [module]
            for target in targets:
                if target.startswith("solvers_zoo."):
                    level = storey(target)
                    assert level is None or level >= own, (
                        f"{path.relative_to(ROOT)} imports {target} from a storey above it"
                    )


def test_every_folder_of_the_core_has_a_storey():
    known = set().union(*STOREYS) | GROUND
    for path in CORE.iterdir():
        if (path.is_dir() and (path / "__init__.py").exists()) or (path.suffix == ".py" and path.stem != "__init__"):
            assert path.stem in known, f"solvers_zoo/{path.name} has no storey; say in this test where it stands"


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
