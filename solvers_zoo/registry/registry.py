"""The registry: what every plugin offers, by name.

Entry points of the group ``solvers_zoo`` are loaded one by one, each in its own try: a plugin that fails is a row with its
reason and stops no other. Its hooks are called plugin by plugin. A name that two distributions claim stays reachable as
``dist:name`` from each.

Environment:
    ZOO_PLUGINS   comma-separated entry points to load; empty for none. Unset loads all.
    ZOO_STRICT    1 makes any failure an error, for authors and CI.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from traceback import format_exc
from types import ModuleType
from typing import Any

import pluggy

from solvers_zoo.errors import AmbiguousNameError, OptionError, PluginError, UnknownNameError
from solvers_zoo.registry import hookspecs
from solvers_zoo.registry.card import API_VERSION, Card
from solvers_zoo.registry.options import Configurable
from solvers_zoo.registry.spec import Spec, parse
from solvers_zoo.storage.files import FromSource

KINDS = {
    "solver": "zoo_solvers",
    "sde": "zoo_sdes",
    "model": "zoo_models",
    "grid": "zoo_grids",
    "metric": "zoo_metrics",
    "executor": "zoo_executors",
    "study": "zoo_studies",
    "objective": "zoo_objectives",
    "network": "zoo_networks",
}

#: What the class of each kind must inherit from; imported only when something of that kind is registered.
_BASES = {
    "solver": "solvers_zoo.solving.stepping:Solver",
    "sde": "solvers_zoo.processes.base:SDE",
    "model": "solvers_zoo.score_models.targets.base:Target",
    "grid": "solvers_zoo.time_grids.base:GridRule",
    "metric": "solvers_zoo.metrics.base:Metric",
    "executor": "solvers_zoo.executors.base:Executor",
    "study": "solvers_zoo.bench.experiment:Experiment",
    "objective": "solvers_zoo.train.objectives.base:Objective",
    "network": "solvers_zoo.train.networks.base:Network",
}
_NAME = re.compile(r"[A-Za-z_][\w.\-]*")


@dataclass(frozen=True)
class Entry:
    """A registered thing: its card, the distribution and plugin it comes from, and how to get its class."""

    card: Card
    dist: str
    plugin: str
    target: Any

    @property
    def qualified(self) -> str:
        """``dist:name``, which is this entry whatever else is installed."""
        return f"{self.dist}:{self.card.name}"

    @property
    def cls(self) -> Any:
        """The class, imported now if it was deferred."""
        if not isinstance(self.target, str):
            return self.target
        module, _, name = self.target.partition(":")
        try:
            cls = getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.card.name} of plugin {self.plugin} ({self.dist}) cannot be loaded from {self.target}: "
                f"{type(error).__name__}: {error}. `zoo doctor` shows more."
            ) from error
        wrong = _unfit(cls, self.card)
        if wrong:
            raise PluginError(
                f"{self.card.name} of plugin {self.plugin} ({self.dist}) is no {self.card.kind}: {wrong}."
            )
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
    loaded: Any = None
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


class Registry:
    """All that plugins registered. `default()` is the one of the installed plugins; tests make their own."""

    def __init__(self) -> None:
        self.plugins: list[Plugin] = []
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._names: dict[tuple[str, str], list[Entry]] = {}

    # -- loading ---------------------------------------------------------------------------------------------------

    def load_entry_points(self) -> None:
        """Load the installed plugins, or those that ZOO_PLUGINS names."""
        wanted = os.environ.get("ZOO_PLUGINS")
        names = None if wanted is None else {name.strip() for name in wanted.split(",") if name.strip()}
        points = metadata.entry_points(group=hookspecs.PROJECT)
        dists = {id(point.dist): _dist(point) for point in {id(point.dist): point for point in points}.values()}
        for point in sorted(points, key=lambda point: (point.name, dists[id(point.dist)])):
            if names is None or point.name in names:
                self._load(Plugin(point.name, *dists[id(point.dist)], point.value), point.load)
        for name in sorted((names or set()) - {point.name for point in points}):
            self._load(Plugin(name, "?", "?", "?"), functools.partial(_missing, name))

    def load_file(self, path: str | Path) -> Plugin:
        """Load a one-off plugin from a Python file: its hooks, or without any, every class that carries a card."""
        path = Path(path)
        plugin = Plugin(path.stem, path.name, "file", str(path))
        self._load(plugin, functools.partial(_import_file, path))
        return plugin

    def load_module(self, module: ModuleType, dist: str = "") -> Plugin:
        """Register an imported module as a plugin."""
        plugin = Plugin(module.__name__, dist or module.__name__, "module", module.__name__)
        self._load(plugin, lambda: module)
        return plugin

    def _load(self, plugin: Plugin, load: Callable[[], Any]) -> None:
        self.plugins.append(plugin)
        try:
            with redirect_stdout(sys.stderr):  # what a plugin prints must not end up in somebody's JSON
                plugin.loaded = module = load()
            self._manager.register(module, name=f"{plugin.dist}:{plugin.name}:{plugin.module}")
        except (Exception, SystemExit) as error:
            plugin.traceback = format_exc()
            plugin.fail(f"does not load: {_words(error)}")
            return
        self._unknown_hooks(plugin, module)
        hooks = sum(self._collect(plugin, module, kind, hook) for kind, hook in KINDS.items())
        if not hooks and plugin.version == "file":
            for kind, cls in _carded(module):
                self._add(plugin, kind, cls)
        if not plugin.entries and plugin.ok and plugin.version == "file":
            plugin.fail("holds no class that carries a card, and no hook")

    def _unknown_hooks(self, plugin: Plugin, module: Any) -> None:
        """What pluggy's check_pending finds, as a row of the plugin that caused it."""
        known = list(KINDS.values())
        for name, caller in vars(self._manager.hook).items():
            impls = [] if caller.has_spec() else caller.get_hookimpls()
            if any(impl.plugin is module and not impl.optionalhook for impl in impls):
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(known)}"
                plugin.fail(f"implements an unknown hook {name!r}; {hint}")

    def _collect(self, plugin: Plugin, module: Any, kind: str, hook: str) -> int:
        """Register what one hook of a plugin gives, and return how many implementations it has."""
        impls = [impl for impl in getattr(self._manager.hook, hook).get_hookimpls() if impl.plugin is module]
        for impl in impls:
            things = []
            try:
                with redirect_stdout(sys.stderr):
                    for thing in impl.function():  # one by one, so that what came before a failure is kept
                        things.append(thing)  # noqa: PERF402
            except (Exception, SystemExit) as error:
                plugin.traceback = format_exc()
                plugin.fail(f"{hook}() failed: {_words(error)}")
            for thing in things:
                self._add(plugin, kind, thing)
        return len(impls)

    def _add(self, plugin: Plugin, kind: str, thing: Any) -> None:
        deferred = isinstance(thing, hookspecs.Deferred)
        card = getattr(thing, "card", None)
        if not isinstance(card, Card):
            plugin.fail(f"registers {thing!r} as a {kind}, which carries no card; give the class a `card = ...`")
        elif card.kind != kind:
            plugin.fail(f"registers {card.name!r} as a {kind}, but its card is that of a {card.kind}")
        elif card.api > API_VERSION:
            plugin.fail(
                f"{card.name!r} needs version {card.api} of the plugin interface and this zoo has {API_VERSION}; "
                "upgrade it: pip install -U solvers-zoo"
            )
        elif wrong := _misnamed(card) or ("" if deferred else _unfit(thing, card)):
            plugin.fail(f"registers {card.name!r} as a {kind}, but {wrong}")
        else:
            self._name(plugin, Entry(card, plugin.dist, plugin.name, thing.target if deferred else thing))

    def _name(self, plugin: Plugin, entry: Entry) -> None:
        kind = entry.card.kind
        names = dict.fromkeys((entry.card.name, *entry.card.aliases))
        for name in names:
            for other in self._names.get((kind, name), []):
                if other.dist == entry.dist:
                    plugin.fail(
                        f"registers the {kind} {name!r}, which plugin {other.plugin} of {other.dist} already gave"
                    )
                    return
        plugin.entries.append(entry)
        for name in names:
            claims = self._names.setdefault((kind, name), [])
            claims.append(entry)
            for other in claims[:-1]:
                self._clash(plugin, entry, other, name)

    def _clash(self, plugin: Plugin, entry: Entry, other: Entry, name: str) -> None:
        """Note a clash with both plugins: which one came first says nothing of which is at fault."""
        problem = (
            f"the name {name!r} is claimed by {other.dist} (plugin {other.plugin}) and by {entry.dist} "
            f"(plugin {entry.plugin}); write {other.dist}:{name} or {entry.dist}:{name}"
        )
        for owner in (next(p for p in self.plugins if other in p.entries), plugin):
            owner.fail(problem)

    # -- looking up ------------------------------------------------------------------------------------------------

    def entries(self, kind: str) -> list[Entry]:
        """Everything of a kind, sorted by name."""
        found = [entry for plugin in self.plugins for entry in plugin.entries if entry.card.kind == kind]
        return sorted(found, key=lambda entry: (entry.card.name, entry.dist))

    def names(self, kind: str) -> list[str]:
        """All names and aliases of a kind."""
        return sorted(name for k, name in self._names if k == kind)

    def find(self, kind: str, name: str) -> Entry:
        """The entry of a name, an alias or ``dist:name``.

        Raises:
            UnknownNameError: nothing of that name; near names are suggested.
            AmbiguousNameError: several distributions claim it.

        """
        dist, _, bare = name.rpartition(":")
        claims = [e for e in self._names.get((kind, bare), []) if not dist or _canonical(dist) == _canonical(e.dist)]
        if not claims:
            listing = "zoo list" if kind == "solver" else f"zoo list {KINDS[kind].removeprefix('zoo_')}"
            raise UnknownNameError({"sde": "SDE"}.get(kind, kind), name, self.names(kind), listing)
        if len(claims) > 1:
            choices = " or ".join(f"{entry.dist}:{bare}" for entry in claims)
            raise AmbiguousNameError(f"{len(claims)} distributions offer a {kind} named {bare!r}; write {choices}.")
        return claims[0]

    def make(self, kind: str, spec: Any, **options: Any) -> Any:
        """The configured object of a name or specification (``"ddim:eta=0.5"``); ready-made objects pass through."""
        if isinstance(spec, str):
            spec = parse(spec)
        if not isinstance(spec, Spec):
            return spec
        return configured(self.find(kind, spec.name).cls, spec, **options)


def configured(cls: Any, spec: Spec, **options: Any) -> Any:
    """An object of ``cls`` with the options of a specification, and more of them."""
    kinds = {name: facts.kind for name, facts in cls.options().items()}
    args = [_plain(value, kind) for value, kind in zip(spec.args, [*kinds.values(), *["any"] * 99], strict=False)]
    given = {name: _plain(value, kinds.get(name, "any")) for name, value in spec.kwargs.items()}
    for name in options.keys() & given.keys():
        raise OptionError(f"{spec.name}: option {name} is given twice.")
    return cls.make(*args, **given, **options)


def _plain(value: Any, kind: str) -> Any:
    """A parsed value as its option wants it: a bare name is a string unless the option holds a registered thing."""
    if isinstance(value, Spec) and kind not in KINDS and value.bare:
        return value.name
    if isinstance(value, int) and not isinstance(value, bool) and kind == "float":
        return float(value)
    return value


def _canonical(dist: str) -> str:
    """A distribution's name as packaging compares it: ``Zoo_X`` and ``zoo-x`` are one."""
    return re.sub(r"[-_.]+", "-", dist).lower()


def _dist(point: metadata.EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution that an entry point belongs to; reading them parses its metadata."""
    return (point.dist.name, point.dist.version) if point.dist else ("?", "?")


def _words(error: BaseException) -> str:
    """An exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _misnamed(card: Card) -> str:
    """What is wrong with the card's names, or nothing."""
    for name in (card.name, *card.aliases):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"{name!r} cannot be a name: it takes letters, digits, '-', '_' and '.', beginning with a letter"
    return ""


def _unfit(thing: Any, card: Card) -> str:
    """Why ``thing`` cannot serve as what its card says, or nothing."""
    module, name = _BASES[card.kind].split(":")
    base = getattr(importlib.import_module(module), name)
    if not isinstance(thing, type) or not issubclass(thing, base):
        return f"{thing!r} is not a subclass of solvers_zoo.{name}"
    unwritten = sorted(getattr(thing, "__abstractmethods__", ()))
    return f"{thing.__name__} does not define {', '.join(unwritten)}" if unwritten else ""


def _missing(name: str) -> Any:
    raise PluginError(f"ZOO_PLUGINS names {name!r}, but no installed distribution has such an entry point")


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise PluginError(f"there is no file {path}")
    if path.suffix != ".py":
        raise PluginError(f"{path} is not a Python file")
    name = f"zoo_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=FromSource(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _carded(module: ModuleType) -> Iterable[tuple[str, Any]]:
    """The concrete classes defined in a module that carry a card of their own."""
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Configurable) and thing.__module__ == module.__name__:
            card = vars(thing).get("card")
            if isinstance(card, Card):
                yield card.kind, thing


_default: Registry | None = None


def default() -> Registry:
    """The registry of the installed plugins, loaded on first use."""
    global _default
    if _default is None:
        registry = Registry()
        registry.load_entry_points()
        _default = registry
    return _default


def load_plugins(files: Iterable[str | Path]) -> None:
    """Load one-off plugins into the registry of the installed ones, each once a process."""
    found = default()
    for file in files:
        if str(Path(file)) not in {plugin.module for plugin in found.plugins}:
            found.load_file(file)


def cards(kind: str, where: Mapping[str, Any] | None = None) -> list[Any]:
    """The cards of a kind, sorted by name; ``where`` keeps those whose fields equal the given values."""
    found = [entry.card for entry in default().entries(kind)]
    return [card for card in found if all(getattr(card, key) == value for key, value in (where or {}).items())]


def solver(name: str, /, **options: Any) -> Any:
    """A solver by name: ``zoo.solver("ddim", eta=0.5)``."""
    return default().make("solver", name, **options)


def sde(name: str, /, **options: Any) -> Any:
    """A forward process by name: ``zoo.sde("vp", beta_max=10.0)``."""
    return default().make("sde", name, **options)


def grid(name: str, /, **options: Any) -> Any:
    """A grid rule by name: ``zoo.grid("karras", rho=5.0)``."""
    return default().make("grid", name, **options)


def model(name: str, /, sde: Any = None, **options: Any) -> Any:
    """A ready-made model by name, on its own process or another: ``zoo.model("mixture-5", dim=8, sde="vp")``."""
    target = default().make("model", name, **options)
    return target.build(default().make("sde", sde)) if sde is not None else target.build(target.default_sde())
