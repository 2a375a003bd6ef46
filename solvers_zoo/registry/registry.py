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
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from solvers_zoo.errors import AmbiguousNameError, OptionError, UnknownNameError, one_line
from solvers_zoo.registry import hookspecs
from solvers_zoo.registry.kinds import KINDS
from solvers_zoo.registry.loading import Entry, Plugin, carded, installed, missing, plugin_file
from solvers_zoo.registry.spec import Spec, parse

if TYPE_CHECKING:
    from types import ModuleType


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
        found = sorted(installed(), key=lambda each: (each[0].name, each[1]))
        for point, dist, version in found:
            if names is None or point.name in names:
                self._load(Plugin(point.name, dist, version, point.value), point.load)
        for name in sorted((names or set()) - {point.name for point, *_ in found}):
            self._load(Plugin(name, "?", "?", "?"), functools.partial(missing, name))

    def load_file(self, path: str | Path) -> Plugin:
        """Load a one-off plugin from a Python file: its hooks, or without any, every class that carries a card."""
        path = Path(path)
        plugin = Plugin(path.stem, path.name, "file", str(path))
        self._load(plugin, functools.partial(plugin_file, path))
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
            plugin.traceback = _traceback()
            plugin.fail(f"does not load: {one_line(error)}")
            return
        self._unknown_hooks(plugin, module)
        hooks = sum(self._collect(plugin, module, kind.name, kind.hook) for kind in KINDS.values())
        if not hooks and plugin.version == "file":
            for kind, cls in carded(module):
                self._add(plugin, kind, cls)
        if not plugin.entries and plugin.ok and plugin.version == "file":
            plugin.fail("holds no class that carries a card, and no hook")

    def _unknown_hooks(self, plugin: Plugin, module: Any) -> None:
        """What pluggy's check_pending finds, as a row of the plugin that caused it."""
        known = [kind.hook for kind in KINDS.values()]
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
                plugin.traceback = _traceback()
                plugin.fail(f"{hook}() failed: {one_line(error)}")
            for thing in things:
                self._add(plugin, kind, thing)
        return len(impls)

    def _add(self, plugin: Plugin, kind: str, thing: object) -> None:
        entry = plugin.entry(kind, thing)
        if entry is None:
            return
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
            listing = "zoo list" if kind == "solver" else f"zoo list {KINDS[kind].plural}"
            raise UnknownNameError(KINDS[kind].in_words, name, self.names(kind), listing)
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


def _traceback() -> str:
    """The traceback of the exception that is being handled; importing what writes it takes longer than loading a plugin."""
    from traceback import format_exc

    return format_exc()


def _canonical(dist: str) -> str:
    """A distribution's name as packaging compares it: ``Zoo_X`` and ``zoo-x`` are one."""
    return re.sub(r"[-_.]+", "-", dist).lower()


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
