"""``zoo new-plugin``: a complete distribution of one's own, from the template."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated

import typer

from solvers_zoo.cli import common
from solvers_zoo.errors import StorageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_SUFFIX = ".template"


def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the solver in kebab-case, such as my-solver.")],
    path: Annotated[Path, typer.Option(help="Folder in which the distribution's folder is made.")] = Path(),
    json: common.JsonOption = False,
) -> None:
    """Make a distribution with one solver that works: pyproject, solver, tests on the kit, README, licence, CI.

    [dim]Example:[/dim]  zoo new-plugin my-solver
    """
    words = _names(name)
    target = path / words["dist"]
    if target.exists():
        raise StorageError(f"{target} exists already and is left as it is; choose another name, or --path.")
    if not path.is_dir():
        raise StorageError(f"There is no folder {path}; make it first, or give another --path.")
    written = [_write(source, target / where, words) for where, source in _template(words)]
    if json:
        common.print_json({"path": target, "files": [file.relative_to(target).as_posix() for file in written]})
        return
    common.stdout().print(
        f"[green]✓[/] [bold]{words['dist']}[/], a distribution with one solver that works, in", end=" "
    )
    common.say(str(target))
    for file in written:
        common.say(f"    {file.relative_to(target).as_posix()}", "dim")
    solver = f"src/{words['module']}/{words['stem']}.py"
    common.say(f"\nPut your step in {solver} and your claims on its card, then:\n")
    for line in (f"cd {target}", "pip install -e '.[test]'", f"zoo check {words['name']}", "pytest"):
        common.say(f"    {line}")


def _names(name: str) -> dict[str, str]:
    """The names that follow from the solver's, all checked."""
    name = name.removeprefix("zoo-")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        hint = f" Try {near!r}." if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", near) else ""
        raise common.misuse(
            f"{name!r} cannot be the name of a solver: it takes small letters, digits and single hyphens.{hint}"
        )
    if name in common.registry().names("solver"):
        raise common.misuse(f"There is a solver named {name!r} already; choose another name, such as 'my-{name}'.")
    stem = name.replace("-", "_")
    if keyword.iskeyword(stem):
        raise common.misuse(f"{name!r} is a word of Python, which no module can be called; try 'my-{name}'.")
    return {
        "name": name,
        "dist": f"zoo-{name}",
        "module": f"zoo_{stem}",
        "stem": stem,
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "Title": " ".join(name.split("-")).capitalize(),
    }


def _template(words: dict[str, str]) -> Iterator[tuple[Path, Traversable]]:
    """The files of the template with the place where each goes."""
    from importlib import resources

    todo = [(Path(), resources.files("solvers_zoo.cli.commands") / "template")]
    while todo:
        folder, here = todo.pop()
        for child in sorted(here.iterdir(), key=lambda child: child.name):
            place = folder / Template(child.name.removesuffix(_SUFFIX).replace("dot-", ".")).substitute(words)
            if child.is_dir():
                todo.append((place, child))
            elif child.name.endswith(_SUFFIX):
                yield place, child


def _write(source: Traversable, target: Path, words: dict[str, str]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(Template(source.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
    return target
