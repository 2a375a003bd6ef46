"""``zoo list``: everything that is registered, with what its cards claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.words import about
from solvers_zoo.errors import UnknownNameError
from solvers_zoo.registry.kinds import KINDS

if TYPE_CHECKING:
    from solvers_zoo.registry.loading import Entry
    from solvers_zoo.registry.registry import Registry


def list_(
    kind: Annotated[common.PluralName, typer.Argument(help="What to list.")] = common.SOLVERS,
    family: Annotated[
        str | None, typer.Option(help="Solvers of one family.", autocompletion=common.completes_family)
    ] = None,
    stochastic: Annotated[
        bool | None, typer.Option("--stochastic/--deterministic", help="Only solvers that draw noise, or that do not.")
    ] = None,
    where: Annotated[str | None, typer.Option(metavar="CONDITION", help="Conditions on the fields of a card.")] = None,
    plugin: common.PluginOption = None,
    json: common.JsonOption = False,
) -> None:
    """List solvers, SDEs, models, grid rules, metrics, executors, studies, objectives or networks.

    [dim]Examples:[/dim]

    zoo list --where 'order >= 2 and evaluations == 1'

    zoo list models --json
    """
    found = common.registry(plugin, tolerant=True)
    wanted = next(name for name, each in KINDS.items() if each.plural == kind)
    keep = _conditions(found, wanted, family, stochastic, where)
    entries = [entry for entry in found.entries(wanted) if all(condition(entry) for condition in keep)]
    if json:
        wrong = [{"plugin": p.name, "dist": p.dist, "problem": problem} for problem, p in common.problems(found)]
        figures = _measured(found) if wanted == "solver" else None
        common.print_json({str(kind): [_facts(entry, figures) for entry in entries], "problems": wrong})
        return
    _print_table(found, wanted, entries)
    total = len(found.entries(wanted))
    shown = f"{len(entries)} of {total}" if keep else str(total)
    if wanted == "solver":
        common.say("Beside each order on its card stands the one that was measured (zoo check --all --store).", "dim")
    plugins = len({(entry.dist, entry.plugin) for entry in entries})
    common.say(f"{shown} {kind} from {plugins} plugins. `zoo show NAME` tells all of one.", "dim")
    common.print_problems(found)


_Measured = dict[tuple[str, str], dict[str, float]]


def _measured(found: Registry) -> _Measured:
    from solvers_zoo.testing.measured import stored

    return stored(found.plugins)


def _facts(entry: Entry, measured: _Measured | None) -> dict[str, Any]:
    facts = {**common.facts(entry.card), "dist": entry.dist, "plugin": entry.plugin}
    return facts if measured is None else {**facts, "measured": measured.get((entry.dist, entry.card.name), {})}


def _conditions(
    found: Registry, kind: str, family: str | None, stochastic: bool | None, where: str | None
) -> list[Callable[[Entry], bool]]:
    """What an entry must fulfil to be shown."""
    keep: list[Callable[[Entry], bool]] = []
    if kind != "solver" and (family is not None or stochastic is not None):
        raise common.misuse("--family and --stochastic are for solvers; other kinds have no such facts.")
    if family is not None:
        families = common.completes_family("")
        if family not in families:
            raise UnknownNameError("family", family, families, "zoo list")
        keep.append(lambda entry: _family(entry) == family)
    if stochastic is not None:
        keep.append(lambda entry: bool(entry.card.stochastic == stochastic))  # type: ignore[attr-defined]
    if where is not None:
        from solvers_zoo.cli.where import compile_filter

        names = [*(field.name for field in fields(KINDS[kind].card)), "dist", "plugin"]
        holds = compile_filter(where, names)
        keep.append(lambda entry: holds({**vars(entry.card), "dist": entry.dist, "plugin": entry.plugin}))
    return keep


#: Columns by kind: heading, alignment, text of a card and of what was measured of it.
_COLUMNS: dict[str, list[tuple[str, Any, Callable[[Any, dict[str, float]], str]]]] = {
    "solver": [
        ("order", "right", lambda card, seen: _beside(card.order, seen.get("order"))),
        ("nominal", "right", lambda card, seen: _beside(card.nominal_order, seen.get("nominal_order"))),
        ("weak", "right", lambda card, seen: _beside(card.weak_order, seen.get("weak_order"))),
        ("NFE/step", "right", lambda card, _: _cost(card)),
        ("noise", "center", lambda card, _: "●" if card.stochastic else ""),
    ],
    "sde": [("formula", "left", lambda card, _: card.formula)],
    "model": [("dim", "left", lambda card, _: card.dim), ("exact", "left", lambda card, _: ", ".join(card.exact))],
    "grid": [("formula", "left", lambda card, _: card.formula)],
    "metric": [
        ("formula", "left", lambda card, _: card.formula),
        ("unit", "left", lambda card, _: card.unit),
        ("default", "center", lambda card, _: "●" if card.default else ""),
    ],
    "executor": [("extra", "left", lambda card, _: card.extra)],
    "objective": [("formula", "left", lambda card, _: card.formula)],
    "network": [("extra", "left", lambda card, _: card.extra)],
    "study": [
        ("claim", "left", lambda card, _: card.claim),
        ("quick", "right", lambda card, _: about(card.quick_seconds)),
        ("full", "right", lambda card, _: about(card.seconds)),
    ],
}


def _beside(claimed: float | None, measured: float | None) -> str:
    """What is claimed and what was measured: ``2  2.01``."""
    if claimed is None:
        return ""
    return f"{common.number(claimed)}  {'   -' if measured is None else f'{measured:.2f}'}"


def _cost(card: Any) -> str:
    return common.number(card.evaluations) or ("adaptive" if card.adaptive else "varies")


def _print_table(found: Registry, kind: str, entries: list[Entry]) -> None:
    """The table, one line a row but for formulas; written out here, as importing rich's takes longer than all the rest."""
    if not entries:
        return
    if kind == "solver":
        entries = sorted(entries, key=lambda entry: (_family(entry), entry.card.name))
    columns = _fitted(_table_columns(found, kind, entries), common.width())
    widths = _widths(columns, common.width())
    _print_row([heading for heading, *_ in columns], ["bold"] * len(columns), columns, widths)
    common.say("─" * (sum(widths) + 2 * len(widths) - 2), "dim")
    for i, entry in enumerate(entries):
        if i and _family(entry) != _family(entries[i - 1]):
            common.say("")
        cells = [_wrapped(cells[i], room) for (*_, cells), room in zip(columns, widths, strict=True)]
        for row in zip_longest(*cells, fillvalue=""):
            _print_row(row, [style for _, style, _, _ in columns], columns, widths)
    common.say("")


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of at most ``room``; most cells fit in one, and asking `wrap` for each would be a tenth of the command's time."""
    return [text] if len(text) <= room and "  " not in text else wrap(text, room) or [""]


def _print_row(cells: Sequence[str], styles: Sequence[str], columns: list[_Column], widths: list[int]) -> None:
    parts = [
        common.ink(_aligned(cell, justify, width), style)
        for cell, style, (_, _, justify, _), width in zip(cells, styles, columns, widths, strict=True)
    ]
    common.say("  ".join(parts).rstrip())


def _aligned(text: str, justify: str, width: int) -> str:
    return text.center(width) if justify == "center" else text.rjust(width) if justify == "right" else text.ljust(width)


_Column = tuple[str, str, Any, list[str]]

#: Columns that may wrap, and the least room for them; all others keep to one line.
_WRAPPED = {"title": 20, "formula": 30, "claim": 30}


def _table_columns(found: Registry, kind: str, entries: list[Entry]) -> list[_Column]:
    """Heading, style, alignment and cells of every column."""
    names = [entry.card.name for entry in entries]
    shown = [e.card.name if names.count(e.card.name) == 1 else e.qualified for e in entries]
    columns: list[_Column] = [
        ("name", "bold cyan", "left", shown),
        ("title", "", "left", [entry.card.title for entry in entries]),
    ]
    measured = _measured(found) if kind == "solver" else {}
    seen = [measured.get((entry.dist, entry.card.name), {}) for entry in entries]
    columns += [
        (head, "", justify, [text(e.card, s) for e, s in zip(entries, seen, strict=True)])
        for head, justify, text in _COLUMNS[kind]
    ]
    if kind == "solver":
        columns.append(("family", "green", "left", [_family(entry) for entry in entries]))
    return [*columns, ("plugin", "dim", "left", [entry.plugin for entry in entries])]


def _fitted(columns: list[_Column], width: int) -> list[_Column]:
    """The columns that fit in ``width``: plugin, family and title give way to the figures."""
    for dropped in ("", "plugin", "family", "title"):
        columns = [column for column in columns if column[0] != dropped]
        if sum(_least(column) + 2 for column in columns) <= width:
            break
    return columns


def _widths(columns: list[_Column], width: int) -> list[int]:
    """Room for every column: its own width, but those that may wrap share what the others leave."""
    widths = [_width(heading, cells) for heading, _, _, cells in columns]
    over = sum(widths) + 2 * len(widths) - width
    for i in reversed(range(len(columns))):  # the formula first, then the title
        cut = min(over, widths[i] - _least(columns[i]))
        if cut > 0:
            widths[i], over = widths[i] - cut, over - cut
    return widths


def _least(column: _Column) -> int:
    natural = _width(column[0], column[3])
    return min(natural, _WRAPPED[column[0]]) if column[0] in _WRAPPED else natural


def _width(heading: str, cells: list[str]) -> int:
    return max(map(len, (heading, *cells)))


def _family(entry: Entry) -> str:
    return getattr(entry.card, "family", "")
