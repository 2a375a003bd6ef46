"""The rooms of `solvers_zoo` and the levels that they stand on; writes the lists of them that readers meet.

    python docs/rooms.py            # after a change of a level or of a room's first line

writes the table of rooms in ``docs/design.md``, the list in ``solvers_zoo/__init__.py``, the table of public sub-modules in
``docs/writing-a-plugin.md``, and the names that moved there in ``docs/upgrading.md``. The levels stand here, beside the page that shows them; ``tests/core/test_house.py`` holds every
import to them, and the written lists to this file.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "solvers_zoo"

#: Levels from the top down, each with its rooms: a room imports itself and rooms on lower levels. ``__init__`` is the list of public names.
LEVELS = (
    ("cli",),
    ("__init__", "catalogue"),
    ("bench", "testing"),
    ("train", "likelihood", "editing", "inverse", "interop"),
    ("sampling", "metrics", "charts"),
    ("solving", "exact"),
    ("time_grids",),
    ("score_models",),
    ("noise",),
    ("processes", "executors"),
    ("registry",),
    ("storage", "numerics"),
    ("errors",),
)

#: Sub-modules whose names a plugin may import beside the names of `solvers_zoo` itself, each with what it gives.
PUBLIC = {
    "numerics": "linear combinations of states, phi functions, arithmetic for floats and tensors alike",
    "numerics.combine": "the type of a term of a linear combination",
    "numerics.scalar": "the type of a number of the schedule",
    "numerics.tableau": "Butcher tableaus, checked against the order conditions",
    "numerics.exponential": "weights of exponential multistep methods",
    "numerics.exponential_tableau": "tableaus of exponential Runge-Kutta methods",
    "numerics.interpolation": "Lagrange weights and their moments",
    "solving": "the bases that solvers are written on",
    "registry": "finding and making registered things by name",
    "executors": "what an executor is written with: parcels, attempts, failures",
    "metrics": "distances, features, and the base of a metric of samples",
    "exact": "exact maps and laws to measure against",
    "charts": "charts in the zoo's theme: lines, and the parts that other figures are made of, with Altair",
    "testing": "the conformance kit for tests of your plugin",
    "bench.experiment": "the base of a study (`zoo study`)",
}


def first_line(room: str) -> str:
    """The first line of the docstring of a room: a folder's ``__init__``, or a file."""
    path = CORE / room / "__init__.py" if (CORE / room).is_dir() else CORE / f"{room}.py"
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def exports(module: str) -> list[str]:
    """Names that a public sub-module offers: its ``__all__``, or without one what it defines or re-exports and does not call private."""
    body = _tree(module).body
    for node in body:
        if isinstance(node, ast.Assign) and _assigned(node) == ["__all__"]:
            return sorted(ast.literal_eval(node.value))
    return sorted(name for node in body for name in _bound(node) if not name.startswith("_"))


def types(module: str) -> list[str]:
    """Names that a public sub-module defines for type checkers only."""
    blocks = (node.body for node in _tree(module).body if isinstance(node, ast.If))
    return sorted(name for block in blocks for node in block for name in _assigned(node))


def _tree(module: str) -> ast.Module:
    path = CORE.joinpath(*module.split("."))
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names if alias.asname == alias.name]
    return _assigned(node)


def table_of_rooms() -> str:
    """The rooms by level, as a table in Markdown."""
    rows = [
        f"| {level} | `{room}` | {first_line(room)} |"
        for level, rooms in enumerate(LEVELS, 1)
        for room in rooms
        if room != "__init__"
    ]
    return "\n".join(["| level | room | what it is for |", "|---|---|---|", *rows])


def list_of_rooms() -> str:
    """The rooms by level, as plain lines."""
    rooms = [room for rooms in LEVELS for room in rooms if room != "__init__"]
    return "\n".join(f"    {room:<13}{first_line(room)}" for room in rooms)


def table_of_public() -> str:
    """The public sub-modules, as a table in Markdown."""
    rows = []
    for module, what in PUBLIC.items():
        names = ", ".join(f"`{name}`" for name in exports(module) + types(module) if len(name) > 1)
        rows.append(f"| `solvers_zoo.{module}` | {what} | {names} |")
    return "\n".join(["| sub-module | gives | names |", "|---|---|---|", *rows])


def table_of_left() -> str:
    """The names that left `solvers_zoo` itself and where they live, as a table in Markdown."""
    body = ast.parse((CORE / "registry" / "public.py").read_text()).body
    left = next(node.value for node in body if isinstance(node, ast.Assign) and _assigned(node) == ["LEFT"])
    rows = [
        f"| {', '.join(f'`{name}`' for name in names.split())} | `solvers_zoo.{module}` |"
        for module, names in ast.literal_eval(left).items()
    ]
    return "\n".join(["| names | now in |", "|---|---|", *rows])


def written() -> dict[Path, str]:
    """The text of each file that holds a list, as it should be."""
    design, plugin, door = ROOT / "docs/design.md", ROOT / "docs/writing-a-plugin.md", CORE / "__init__.py"
    upgrading = ROOT / "docs/upgrading.md"
    return {
        upgrading: _between(upgrading, "<!-- left -->\n\n", "\n\n<!-- end of left -->", table_of_left()),
        design: _between(design, "<!-- rooms -->\n\n", "\n\n<!-- end of rooms -->", table_of_rooms()),
        plugin: _between(plugin, "<!-- public -->\n\n", "\n\n<!-- end of public -->", table_of_public()),
        door: _between(door, "python docs/rooms.py):\n\n", '\n"""', list_of_rooms()),
    }


def _between(path: Path, start: str, end: str, text: str) -> str:
    """A file's text with ``text`` between two marks."""
    pattern = re.compile(f"({re.escape(start)}).*?({re.escape(end)})", re.DOTALL)
    changed, times = pattern.subn(lambda found: found[1] + text + found[2], path.read_text(), count=1)
    if not times:
        raise SystemExit(f"{path.relative_to(ROOT)} has no place for a list between {start!r} and {end!r}")
    return changed


if __name__ == "__main__":
    for path, text in written().items():
        if path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")  # noqa: T201
