"""``zoo plugins``: where everything comes from, and what is wrong with it."""

from __future__ import annotations

from collections import Counter

from solvers_zoo.cli import common
from solvers_zoo.registry.kinds import KINDS


def plugins(plugin: common.PluginOption = None, json: common.JsonOption = False) -> None:
    """List the installed plugins: distribution, version, what each gives, and problems.

    [dim]Example:[/dim]  zoo plugins
    """
    found = common.registry(plugin, tolerant=True)
    if json:
        common.print_json(
            [
                {
                    "name": p.name,
                    "dist": p.dist,
                    "version": p.version,
                    "module": p.module,
                    "ok": p.ok,
                    "gives": {
                        kind.plural: [e.card.name for e in p.entries if e.card.kind == kind.name]
                        for kind in KINDS.values()
                    },
                    "problems": p.problems,
                }
                for p in found.plugins
            ]
        )
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("plugin", style="bold cyan", no_wrap=True)
    table.add_column("distribution", no_wrap=True)
    table.add_column("version", no_wrap=True)
    table.add_column("gives")
    for p in found.plugins:
        counts = Counter(entry.card.kind for entry in p.entries)
        words = ", ".join(
            f"{counts[name]} {kind.plural if counts[name] > 1 else name}"
            for name, kind in KINDS.items()
            if counts[name]
        )
        mark = Text("✓", "green") if p.ok else Text("✗", "bold red")
        table.add_row(
            mark, Text(p.name), Text(p.dist), Text(p.version), Text(words or "nothing", "" if words else "dim")
        )
    common.stdout().print(table)
    common.print_problems(found)
