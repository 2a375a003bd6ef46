"""What is known of everything registered, read once: cards, measured orders, the data that ``docs/figures.py`` wrote."""

from __future__ import annotations

import functools
import inspect
import json
import math
import re
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any

from solvers_zoo import registry
from solvers_zoo.registry.card import Source
from solvers_zoo.testing import measured

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "docs" / "data"


@functools.cache
def entries(kind: str) -> list[Any]:
    """What the distribution itself registers, by name; plugins that happen to be installed beside it are left out."""
    return sorted((e for e in registry.default().entries(kind) if e.dist == "solvers-zoo"), key=lambda e: e.card.name)


@functools.cache
def configured(name: str) -> Any:
    """The card of a solver as its defaults make it: a wrapper's is that of what it wraps."""
    return registry.default().make("solver", name).facts()


@functools.cache
def orders() -> dict[str, dict[str, float]]:
    """Measured orders by solver."""
    return {name: figures for (_, name), figures in measured.stored(registry.default().plugins).items()}


@functools.cache
def curves() -> dict[str, Any]:
    """``docs/data/solvers.json``."""
    data: dict[str, Any] = json.loads((DATA / "solvers.json").read_text())
    return data


def curve(name: str, which: str) -> list[tuple[float, float]]:
    """A measured curve of a solver, empty where there is none."""
    return [(x, y) for x, y in curves()["solvers"].get(_named(name), {}).get(which, [])]


@functools.cache
def _named(name: str) -> str:
    """The name of an alias."""
    return next((e.card.name for e in entries("solver") if name in (e.card.name, *e.card.aliases)), name)


def at_budget(points: list[tuple[float, float]], nfe: float) -> float:
    """The error of the dearest run that costs at most ``nfe``; NaN where there is none dearer than half of it."""
    paid = [(x, y) for x, y in points if nfe / 2 < x <= nfe]
    return max(paid)[1] if paid else math.nan


@functools.cache
def field_at(which: str, nfe: int) -> list[tuple[float, str]]:
    """Errors and names of all solvers at a budget, the best first; of several names of one method (equal errors) the first."""
    found = ((at_budget(curve(name, which), nfe), name) for name in curves()["solvers"])
    return sorted((error, name) for error, name in found if not math.isnan(error))


def number(value: float | None) -> str:
    """Short."""
    return "" if value is None else f"{value:g}"


def figure(value: float) -> str:
    """Two digits: ``0.057``, ``3.1e-05``."""
    return f"{value:.1e}" if value < 1e-3 or value >= 1e4 else f"{value:.2g}"


def cost(card: Any) -> str:
    """Evaluations a step, in words where it is no number."""
    return number(card.evaluations) or ("adaptive" if card.adaptive else "varies")


def source(card: Any) -> str:
    """The source with its link, as Markdown."""
    found: Source = card.source
    where = f"[{text(found.title)}]({link})" if (link := address(found)) else f"*{text(found.title)}*"
    return f"{text(found.authors)}, {where}, {text(found.where)}"


def address(found: Source) -> str:
    """Where the source is on the web; empty where that is not known."""
    return f"https://arxiv.org/abs/{found.arxiv}" if found.arxiv else found.link


def text(words: str) -> str:
    """Words that Markdown leaves as they are, but for what stands between backquotes."""
    parts = words.split("`")
    if len(parts) % 2 == 0:
        parts = [words.replace("`", "'")]
    escaped = (re.sub(r"([\\*_\[\]|])", r"\\\1", escape(part, quote=False)) for part in parts[::2])
    codes = (f"`{part}`" for part in parts[1::2])
    return "".join(piece for pair in zip_longest(escaped, codes, fillvalue="") for piece in pair)


def cell(words: str) -> str:
    """Words in a cell of a table."""
    return text(" ".join(words.split()))


@functools.cache
def module_of(entry: Any) -> tuple[str, str]:
    """Path in the repository and text of the file where an entry's class is written."""
    path = Path(inspect.getsourcefile(entry.cls) or "")
    return path.relative_to(ROOT).as_posix(), path.read_text()


def described(entry: Any) -> tuple[str, str]:
    """The first sentence of a description, and the rest as Markdown; of a method without a formula also what its base says."""
    first, _, rest = entry.cls.describe().strip().partition("\n\n")
    if "\n    " not in f"\n{rest}":
        general = next((doc for doc in map(_own_doc, entry.cls.__mro__[1:]) if "\n    " in doc), "")
        rest = "\n\n".join(part for part in (rest, general) if part)
    return " ".join(first.split()), body(rest)


def _own_doc(cls: type) -> str:
    """The docstring of a class of methods; of the abstract ones, which say how solvers are written, none."""
    abstract = cls.__module__ in ("solvers_zoo.solving.stepping", "solvers_zoo.registry.options", "abc", "builtins")
    return "" if abstract or "__doc__" not in vars(cls) else inspect.getdoc(cls) or ""


def body(words: str) -> str:
    """A description as Markdown: formulas are indented and stay; brackets are no links; doctests are code."""
    parts = []
    for part in words.split("\n\n"):
        if part.startswith("    ") or "\n    " in part:
            parts.append(_fenced(part))
        else:
            parts.append(re.sub(r"(?<!`)\[", r"\\[", part.replace("``", "`")).replace("<", "&lt;"))
    return re.sub(r"\n```\n\n```text\n", "\n\n", "\n\n".join(parts))


def _fenced(part: str) -> str:
    lines = part.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("    "))
    head, code = lines[:start], lines[start:]
    end = next((i for i, line in enumerate(code) if line and not line.startswith(" ")), len(code))
    block = "```text\n" + "\n".join(line[4:] for line in code[:end]).rstrip() + "\n```"
    return "\n".join(
        [
            *(line.replace("<", "&lt;") for line in head),
            *([""] if head else []),
            block,
            *(["", *code[end:]] if end < len(code) else []),
        ]
    )


def options(entry: Any) -> str:
    """The table of an entry's options, empty where it has none."""
    from dataclasses import MISSING

    given, defaults = entry.cls.options(), entry.cls.defaults()
    if not given:
        return ""
    rows = []
    for name, option in given.items():
        default = "required" if defaults[name] is MISSING else _value(defaults[name])
        rows.append(f"| `{name}` | {default} | {cell(option.allowed)} | {cell(option.help)} |")
    return "\n".join(["| option | default | takes | what it does |", "|---|---|---|---|", *rows])


def _value(value: Any) -> str:
    words = str(value).lower() if isinstance(value, bool) or value is None else str(value)
    return f"`{words}`" if words else "empty"
