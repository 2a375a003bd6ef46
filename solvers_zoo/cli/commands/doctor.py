"""``zoo doctor``: what is installed, what works, and what is wrong, with tracebacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.errors import PluginError
from solvers_zoo.registry.kinds import KINDS

if TYPE_CHECKING:
    from solvers_zoo.registry.registry import Registry

_LIBRARIES = ("torch", "numpy", "scipy", "torchdiffeq", "torchsde", "matplotlib", "pluggy", "typer", "rich")
_VARIABLES = ("ZOO_PLUGINS", "ZOO_STRICT", "ZOO_DEBUG", "NO_COLOR", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    topic: str
    what: str
    ok: bool = True
    detail: str = ""


def doctor(plugin: common.PluginOption = None, json: common.JsonOption = False) -> None:
    """Look for anything wrong with the installation and its plugins; exits with 1 if there is.

    [dim]Example:[/dim]  zoo doctor
    """
    found = common.registry(plugin, tolerant=True)
    lines = [*_versions(), *_terminal(), *_plugins(found), *_deferred(found), *_opinions(found)]
    good = all(line.ok for line in lines)
    if json:
        common.print_json({"ok": good, "lines": [vars(line) for line in lines]})
    else:
        _print(lines, good)
    if not good:
        raise typer.Exit(1)


def _versions() -> Iterable[Line]:
    import platform
    from importlib import metadata

    from solvers_zoo import __version__

    yield Line("versions", f"solvers-zoo {__version__}")
    yield Line(
        "versions", f"python {platform.python_version()} on {platform.platform(terse=True)}, {os.cpu_count()} cores"
    )
    for name in _LIBRARIES:
        try:
            yield Line("versions", f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield Line("versions", f"{name} is not installed", ok=False, detail=f"pip install {name}")
    try:
        import torch

        devices = ["cpu", *(f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count()))]
        yield Line("versions", f"torch runs on {', '.join(devices)} with {torch.get_num_threads()} threads")
    except Exception as error:  # a broken installation is what a doctor is called for
        yield Line("versions", "torch cannot be imported", ok=False, detail=f"{type(error).__name__}: {error}")


def _terminal() -> Iterable[Line]:
    from solvers_zoo.cli.terminal import unicode

    console = common.stdout()
    kind = "a terminal" if console.is_terminal else "no terminal"
    colours = console.color_system or "no"
    letters = "half blocks and bars" if unicode(console) else "ASCII only"
    yield Line("pictures", f"stdout is {kind}, {console.width} wide: {colours} colours, {letters}")
    try:
        from matplotlib.figure import Figure

        Figure()
        yield Line("pictures", "matplotlib draws .png, .svg and .pdf")
    except Exception as error:
        yield Line("pictures", "matplotlib does not work", ok=False, detail=f"{type(error).__name__}: {error}")
    for name in _VARIABLES:
        if name in os.environ:
            yield Line("environment", f"{name}={os.environ[name]}")


def _plugins(found: Registry) -> Iterable[Line]:
    for plugin in found.plugins:
        where = f"{plugin.name} ({plugin.dist} {plugin.version}, {plugin.module})"
        if plugin.ok:
            yield Line("plugins", f"{where}: {len(plugin.entries)} things")
        for i, problem in enumerate(plugin.problems):
            detail = plugin.traceback if i == len(plugin.problems) - 1 else ""
            yield Line("plugins", f"{where}: {problem}", ok=False, detail=detail)


def _deferred(found: Registry) -> Iterable[Line]:
    """Import every class that listing leaves alone."""
    entries = [entry for kind in KINDS for entry in found.entries(kind) if isinstance(entry.target, str)]
    broken = []
    for entry in entries:
        try:
            card = entry.cls.card
            if card != entry.card:
                broken.append(
                    Line(
                        "classes", f"{entry.qualified}: the card of {entry.target} is not the one registered", ok=False
                    )
                )
        except PluginError as error:
            broken.append(Line("classes", str(error), ok=False, detail=_cause(error)))
    if entries:
        yield Line(
            "classes", f"{len(entries) - len(broken)} of {len(entries)} classes that load when used do load", not broken
        )
    yield from broken


def _cause(error: PluginError) -> str:
    import traceback

    return "".join(traceback.format_exception(error.__cause__)) if error.__cause__ else ""


def _opinions(found: Registry) -> Iterable[Line]:
    """What plugins say of themselves: a module may have ``doctor()``, which gives one line for everything wrong."""
    for plugin in found.plugins:
        ask: Any = getattr(plugin.loaded, "doctor", None)
        if not callable(ask):
            continue
        try:
            wrong = [str(line) for line in ask()]
        except Exception as error:
            wrong = [f"its doctor() failed: {type(error).__name__}: {error}"]
        yield Line(
            "opinions", f"{plugin.name}: {'all is well' if not wrong else f'{len(wrong)} things are wrong'}", not wrong
        )
        for line in wrong:
            yield Line("opinions", f"{plugin.name}: {line}", ok=False)


def _print(lines: list[Line], good: bool) -> None:
    from rich.text import Text

    console = common.stdout()
    topic = ""
    for line in lines:
        if line.topic != topic:
            topic = line.topic
            console.print(f"\n[bold]{topic}[/]")
        mark = ("✓", "green") if line.ok else ("✗", "bold red")
        console.print(Text.assemble("  ", mark, " ", line.what), soft_wrap=True)
        for text in line.detail.rstrip().splitlines():
            console.print(Text(f"      {text}", "dim"), soft_wrap=True)
    console.print(
        "\n[bold green]All is well.[/]" if good else "\n[bold red]Something is wrong.[/] Lines with ✗ say what."
    )
    sys.stdout.flush()
