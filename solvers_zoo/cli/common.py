"""What the commands share: output, errors, one-off plugins and the completion of names."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from solvers_zoo.cli.collector import paused
from solvers_zoo.errors import PluginError, ZooError
from solvers_zoo.registry.kinds import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from solvers_zoo.registry.card import Card
    from solvers_zoo.registry.loading import Entry, Plugin
    from solvers_zoo.registry.registry import Registry

#: The distribution whose names the defaults of commands mean, whoever else claims them.
OWN = "solvers-zoo"
_WIDE = 200
_INKS = {"bold": "1", "dim": "2", "green": "32", "bold cyan": "1;36", "bold red": "1;31"}

if TYPE_CHECKING:
    KindName: TypeAlias = str
    PluralName: TypeAlias = str
else:  # what Typer makes choices of
    KindName = StrEnum("KindName", [(name, name) for name in KINDS])
    PluralName = StrEnum("PluralName", [(kind.plural, kind.plural) for kind in KINDS.values()])
SOLVERS = PluralName("solvers")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]
PluginOption = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="FILE", help="Load a one-off plugin from a Python file; repeatable."),
]


class Halt(ZooError):
    """An end with a sentence and an exit status of its own."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def misuse(sentence: str) -> Halt:
    """A wrong combination of arguments: exit status 2."""
    return Halt(sentence, 2)


def at_least_one(**counts: int | None) -> None:
    """Refuse counts below 1; keywords are the options' names."""
    for name, count in counts.items():
        if count is not None and count < 1:
            option = f"-{name}" if len(name) == 1 else f"--{name}"
            raise misuse(f"{option} {count} is not possible; it takes a whole number >= 1.")


# -- output --------------------------------------------------------------------------------------------------------


@cache
def stdout() -> Console:
    """The console of results. Where it is no terminal it is wide, so that nothing is cut off in a file or pipe."""
    return _console(sys.stdout.isatty(), stderr=False)


@cache
def stderr() -> Console:
    """The console of everything else."""
    return _console(sys.stderr.isatty(), stderr=True)


def _console(terminal: bool, stderr: bool) -> Console:
    from rich.console import Console

    width = None if terminal or "COLUMNS" in os.environ else _WIDE
    return Console(stderr=stderr, width=width, highlight=False)


def width() -> int:
    """How wide stdout is; very wide where it is no terminal."""
    return shutil.get_terminal_size((80 if sys.stdout.isatty() else _WIDE, 24)).columns


def ink(text: str, style: str) -> str:
    """``text`` in a style of `_INKS`, where stdout shows any; for commands that importing rich would make slow."""
    if not style or not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_INKS[style]}m{text}\x1b[0m"


def say(text: str, style: str = "") -> None:
    """A line on stdout as it is: no markup, no wrapping."""
    sys.stdout.write(ink(text, style) + "\n")


def print_json(data: Any) -> None:
    """``data`` as JSON on stdout; what is not finite becomes null, which JSON can say."""
    sys.stdout.write(json.dumps(plain(data), indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def plain(data: Any) -> Any:
    """``data`` as what JSON knows: dictionaries, lists, strings, finite numbers, booleans and null."""
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple | set):
        return [plain(value) for value in data]
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if data is None or isinstance(data, str | bool | int):
        return data
    return plain(data.tolist()) if hasattr(data, "tolist") else str(data)


def facts(card: Card) -> dict[str, Any]:
    """A card as a dictionary."""
    return asdict(card)


def number(value: float | None) -> str:
    """A figure of a card: ``2``, ``1.5``, or nothing."""
    return "" if value is None else f"{value:g}"


# -- the registry --------------------------------------------------------------------------------------------------


def registry(files: Sequence[str] | None = None, tolerant: bool = False) -> Registry:
    """The registry with the one-off plugins of ``files``, each loaded once.

    Args:
        files: Python files.
        tolerant: leave a file that does not load as a row of the registry instead of an error.

    Raises:
        PluginError: a file that does not load.

    """
    with paused():
        from solvers_zoo.registry.registry import default

        found = default()
    for file in files or ():
        already = [plugin for plugin in found.plugins if plugin.version == "file" and plugin.module == file]
        plugin = already[0] if already else found.load_file(file)
        if not plugin.ok and not tolerant:
            raise PluginError(f"{file} cannot be used as a plugin: it {plugin.problems[0]}.")
    return found


def lookup(found: Registry, name: str, kinds: Iterable[str]) -> Entry:
    """The entry of a name among several kinds, the first that has it; near names of all of them if none has."""
    from solvers_zoo.errors import UnknownNameError

    kinds = list(kinds)
    for kind in kinds:
        try:
            return found.find(kind, name)
        except UnknownNameError:
            continue
    known = [name for kind in kinds for name in found.names(kind)]
    words = [KINDS[kind].in_words for kind in kinds]
    what = " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
    raise UnknownNameError(what, name, known, "zoo list")


def problems(found: Registry) -> list[tuple[str, Plugin]]:
    """Every problem once, with the plugin that it came from; a clash is known to both of its plugins."""
    return list({problem: (problem, plugin) for plugin in found.plugins for problem in plugin.problems}.values())


def print_problems(found: Registry) -> None:
    """A line for everything that is wrong with a plugin."""
    for problem, plugin in problems(found):
        say(f"{ink('✗', 'bold red')} {ink(plugin.name, 'bold')} ({plugin.dist}) {problem}")
    if problems(found):
        say("`zoo doctor` shows more.", "dim")


# -- completion ----------------------------------------------------------------------------------------------------


def completes(kind: str) -> Callable[[str], list[tuple[str, str]]]:
    """Completion of the names of a kind, with their titles."""

    def names(incomplete: str) -> list[tuple[str, str]]:
        from solvers_zoo.registry.registry import default

        # a name that two distributions claim completes to both of its full names
        entries = default().entries(kind)
        bare = [entry.card.name for entry in entries]
        offers = [(e.card.name if bare.count(e.card.name) == 1 else e.qualified, e.card.title) for e in entries]
        return [(name, title) for name, title in offers if name.startswith(incomplete)]

    return names


def completes_any(incomplete: str) -> list[tuple[str, str]]:
    """Completion of the names of all kinds."""
    return [offer for kind in KINDS for offer in completes(kind)(incomplete)]


def completes_family(incomplete: str) -> list[str]:
    """Completion of the families of solvers."""
    from solvers_zoo.registry.registry import default

    families = sorted({entry.card.family for entry in default().entries("solver")})  # type: ignore[attr-defined]
    return [family for family in families if family.startswith(incomplete)]


def check_out(option: str, path: Path | None, endings: Sequence[str], rest: str = "") -> None:
    """Refuse a file whose name ends in none of ``endings``, or that could not be written; ``rest`` as in `wrong_ending`."""
    check_ending(option, path, endings, rest)
    if path is not None:
        check_folder(path)


def check_ending(option: str, path: Path | None, endings: Sequence[str], rest: str = "") -> None:
    """Refuse a file, given by an option, whose name ends in none of ``endings``."""
    if path is not None and path.suffix not in endings:
        from solvers_zoo.storage.files import wrong_ending

        raise misuse(f"{option} {wrong_ending(path, rest or 'it can end in ' + ', '.join(endings))}")


def check_folder(path: Path) -> None:
    """Refuse a file that could not be written, before anything is spent on what would be in it.

    Raises:
        StorageError: the folder does not exist or may not be written, or the path is a folder.

    """
    from solvers_zoo.errors import StorageError

    if path.is_dir():
        raise StorageError(f"{path} is a folder; give the name of a file in it.")
    if not path.parent.is_dir():
        raise StorageError(f"Cannot write {path}: there is no folder {path.parent}; make it first.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise StorageError(f"Cannot write {path}: it is not yours to write; choose another place.")
