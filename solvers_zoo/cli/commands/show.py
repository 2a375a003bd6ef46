"""``zoo show``: all that is known of one registered thing."""

from __future__ import annotations

import textwrap
from dataclasses import MISSING
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.words import about
from solvers_zoo.registry.kinds import KINDS

if TYPE_CHECKING:
    from solvers_zoo.registry.loading import Entry
    from solvers_zoo.registry.registry import Registry


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A name, or a solver's specification.", autocompletion=common.completes_any
        ),
    ],
    kind: Annotated[common.KindName | None, typer.Option(help="Which of several things of that name is meant.")] = None,
    plugin: common.PluginOption = None,
    json: common.JsonOption = False,
) -> None:
    """Show the card of a solver, SDE, model or grid rule: formula, source, options.

    A specification shows the card as its options make it.

    [dim]Examples:[/dim]

    zoo show heun

    zoo show ddim:eta=1
    """
    from solvers_zoo.registry.spec import parse

    found = common.registry(plugin)
    spec = parse(name)
    kinds = [str(kind)] if kind else list(KINDS)
    entry = common.lookup(found, spec.name, kinds)
    made = None if spec.bare else found.make(entry.card.kind, spec)
    facts = _facts(entry, made)
    if json:
        common.print_json(facts)
    else:
        _print(entry, facts)
        _mention_namesakes(found, spec.name, entry)


def _facts(entry: Entry, made: Any) -> dict[str, Any]:
    cls = entry.cls
    card = made.facts() if hasattr(made, "facts") else entry.card
    defaults = cls.defaults()
    options = [
        {
            "name": name,
            "default": None if defaults[name] is MISSING else _plain(defaults[name]),
            "required": defaults[name] is MISSING,
            "value": _plain(getattr(made, name)) if made is not None else None,
            "allowed": option.allowed,
            "help": option.help,
        }
        for name, option in cls.options().items()
    ]
    return {
        "kind": card.kind,
        **common.facts(card),
        "reference": str(card.source),
        "dist": entry.dist,
        "plugin": entry.plugin,
        "description": cls.describe(),
        "options": options,
        "specification": str(made) if made is not None else card.name,
        "example": _example(entry, str(made) if made is not None else card.name),
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _example(entry: Entry, spec: str) -> str:
    quoted = f'"{spec}"' if set(spec) & set("(), *") else spec
    return KINDS[entry.card.kind].example.format(quoted)


def _mention_namesakes(found: Registry, name: str, entry: Entry) -> None:
    for kind in KINDS:
        if kind != entry.card.kind and name in found.names(kind):
            word = KINDS[kind].in_words
            common.stdout().print(f"[dim]There is {'an' if kind == 'sde' else 'a'} {word} of this name too: ", end="")
            common.say(f"zoo show {name} --kind {kind}")


def _print(entry: Entry, facts: dict[str, Any]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = common.stdout()
    head = Text.assemble((facts["specification"], "bold cyan"), "  ", (facts["title"], "bold"), "  ")
    console.print(head.append(f"{KINDS[facts['kind']].in_words} · {entry.dist}, plugin {entry.plugin}", "dim"))
    console.print()
    common.say(_reflowed(facts["description"], console.width))
    console.print()
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="green", no_wrap=True)
    rows.add_column(max_width=100)
    for label, text in _card_rows(facts):
        rows.add_row(label, Text(text))
    console.print(Padding(rows, (0, 2), expand=False))
    if facts["options"]:
        console.print()
        _print_options(facts["options"])
    console.print(f"\n  [dim]$[/] {facts['example']}", soft_wrap=True)


def _reflowed(text: str, width: int) -> str:
    """Paragraphs wrapped to the terminal; formulas and lists, which are indented, stay as they are."""
    paragraphs = (
        paragraph if "\n " in f"\n{paragraph}" else textwrap.fill(paragraph, min(width, 100) - 2)
        for paragraph in text.split("\n\n")
    )
    return textwrap.indent("\n\n".join(paragraphs), "  ")


def _card_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("source", facts["reference"])]
    if facts["kind"] == "solver":
        orders = [("", facts["order"]), ("weak ", facts["weak_order"]), ("strong ", facts["strong_order"])]
        known = [f"{word}{order:g}" for word, order in orders if order is not None]
        if facts["nominal_order"] is not None:
            known.append(f"{facts['nominal_order']:g} with exact history")
        cost = facts["evaluations"]
        traits = ["stochastic" if facts["stochastic"] else "deterministic"]
        traits += [word for word in ("adaptive", "stationary") if facts[word]]
        traits += ["couples the batch"] if facts["batch_coupled"] else []
        traits += [] if facts["resumable"] else ["does not resume"]
        rows += [
            ("family", facts["family"]),
            ("order", ", ".join(known) or "none on the flow"),
            ("NFE a step", "as many as it needs" if cost is None else f"{cost:g}"),
            ("kind", ", ".join(traits)),
            ("variable", facts["variable"]),
            ("bias", facts["bias"]),
            ("needs", ", ".join(facts["needs"])),
            ("equals", ", ".join(facts["equivalents"])),
        ]
    elif facts["kind"] == "model":
        rows += [("dimension", facts["dim"]), ("exact", ", ".join(facts["exact"]))]
    elif facts["kind"] == "study":
        takes = f"{about(facts['seconds'])}, with --quick {about(facts['quick_seconds'])}, on one core"
        rows += [("claim", facts["claim"]), ("takes", takes)]
    else:
        fitted = "to model and solver, in calls counted apart" if facts.get("fitted") else ""
        rows += [("formula", facts.get("formula", "")), ("unit", facts.get("unit", "")), ("fitted", fitted)]
    rows.append(("also called", ", ".join(facts["aliases"])))
    return [(label, text) for label, text in rows if text]


def _print_options(options: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("option", style="cyan", no_wrap=True)
    table.add_column("default" if all(o["value"] is None for o in options) else "value", no_wrap=True)
    table.add_column("takes")
    table.add_column("what it does")
    for option in options:
        value = option["value"] if option["value"] is not None else option["default"]
        word = (
            "required"
            if option["required"] and value is None
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )
        table.add_row(option["name"], Text(word), Text(option["allowed"]), Text(option["help"]))
    common.stdout().print(Padding(table, (0, 1), expand=False))
