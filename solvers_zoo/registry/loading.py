"""Plugins as they are found and loaded, and what is asked of a thing before it is registered."""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import PluginError
from solvers_zoo.registry.card import API_VERSION, Card
from solvers_zoo.registry.hookspecs import PROJECT, Deferred
from solvers_zoo.registry.kinds import KINDS
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_NAME = re.compile(r"[A-Za-z_][\w.\-]*")


@dataclass(frozen=True)
class Entry:
    """A registered thing: its card, the distribution and plugin it comes from, and how to get its class."""

    card: Card
    dist: str
    plugin: str
    target: type[Configurable] | str

    @property
    def qualified(self) -> str:
        """``dist:name``, which is this entry whatever else is installed."""
        return f"{self.dist}:{self.card.name}"

    @property
    def cls(self) -> type[Any]:
        """The class, imported now if it was deferred."""
        if not isinstance(self.target, str):
            return self.target
        module, _, name = self.target.partition(":")
        of = f"{self.card.name} of plugin {self.plugin} ({self.dist})"
        try:
            cls: type[Any] = getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{of} cannot be loaded from {self.target}: {type(error).__name__}: {error}. `zoo doctor` shows more."
            ) from error
        wrong = _unfit(cls, self.card)
        if wrong:
            raise PluginError(f"{of} is no {self.card.kind}: {wrong}.")
        return cls


@dataclass
class Plugin:
    """A plugin as found: where it comes from, what it gave, and what went wrong."""

    name: str
    dist: str
    version: str
    module: str
    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    traceback: str = ""
    loaded: object = None
    """The module, once it is imported."""

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return not self.problems

    def fail(self, problem: str) -> None:
        """Note a problem, fatal in strict mode."""
        self.problems.append(problem)
        if os.environ.get("ZOO_STRICT", "") not in ("", "0"):
            raise PluginError(f"Plugin {self.name} of {self.dist}: {problem} (ZOO_STRICT is set).")

    def entry(self, kind: str, thing: object) -> Entry | None:
        """The entry of what a hook of ``kind`` gave; None, and a problem noted, where it cannot be registered."""
        card = getattr(thing, "card", None)
        if not isinstance(card, Card):
            self.fail(f"registers {thing!r} as a {kind}, which carries no card; give the class a `card = ...`")
        elif card.kind != kind:
            self.fail(f"registers {card.name!r} as a {kind}, but its card is that of a {card.kind}")
        elif card.api > API_VERSION:
            self.fail(
                f"{card.name!r} needs version {card.api} of the plugin interface and this zoo has {API_VERSION}; "
                "upgrade it: pip install -U solvers-zoo"
            )
        elif wrong := _misnamed(card) or ("" if isinstance(thing, Deferred) else _unfit(thing, card)):
            self.fail(f"registers {card.name!r} as a {kind}, but {wrong}")
        else:
            target = thing.target if isinstance(thing, Deferred) else thing
            assert isinstance(target, str | type)
            return Entry(card, self.dist, self.name, target)
        return None


def installed() -> Iterator[tuple[metadata.EntryPoint, str, str]]:
    """The entry points of the zoo, each with the name and the version of its distribution.

    Only the distributions that have any are parsed, each once: that takes longer than loading most plugins.
    """
    names = {
        dist.name for dist in metadata.distributions() if f"[{PROJECT}]" in (dist.read_text("entry_points.txt") or "")
    }
    for name in names:
        dist = metadata.distribution(name)  # the first of this name on the path, which is the one that is imported
        facts = dist.metadata  # parsed anew each time that it is asked for
        yield from ((point, facts["Name"], facts["Version"]) for point in dist.entry_points.select(group=PROJECT))


def missing(name: str) -> ModuleType:
    """Raise the error of a plugin that ZOO_PLUGINS names and nobody has installed."""
    raise PluginError(f"ZOO_PLUGINS names {name!r}, but no installed distribution has such an entry point")


def plugin_file(path: Path) -> ModuleType:
    """The module of a one-off plugin's file."""
    from solvers_zoo.storage.source_file import import_file

    if not path.is_file():
        raise PluginError(f"there is no file {path}")
    if path.suffix != ".py":
        raise PluginError(f"{path} is not a Python file")
    return import_file(path, f"zoo_plugin_{path.stem}")


def carded(module: ModuleType) -> Iterable[tuple[str, type[Configurable]]]:
    """The concrete classes defined in a module that carry a card of their own, each with its kind."""
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Configurable) and thing.__module__ == module.__name__:
            card = vars(thing).get("card")
            if isinstance(card, Card):
                yield card.kind, thing


def _misnamed(card: Card) -> str:
    """What is wrong with the card's names, or nothing."""
    for name in (card.name, *card.aliases):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"{name!r} cannot be a name: it takes letters, digits, '-', '_' and '.', beginning with a letter"
    return ""


def _unfit(thing: object, card: Card) -> str:
    """Why ``thing`` cannot serve as what its card says, or nothing."""
    base = KINDS[card.kind].load_base()
    if not isinstance(thing, type) or not issubclass(thing, base):
        return f"{thing!r} is not a subclass of solvers_zoo.{base.__name__}"
    unwritten = sorted(getattr(thing, "__abstractmethods__", ()))
    return f"{thing.__name__} does not define {', '.join(unwritten)}" if unwritten else ""
