"""Pages of everything registered that is no solver: processes, models, grids, metrics, studies, executors, objectives, networks."""

from __future__ import annotations

import inspect
from typing import Any

import facts

from solvers_zoo.solving.stepping import NEEDS
from solvers_zoo.time_grids.base import GRID_NEEDS

#: Kind -> folder, heading, what the table is of, and the command that shows one.
KINDS = {
    "sde": ("sdes", "Forward processes", "zoo sample --sde {}"),
    "model": ("models", "Models", "zoo sample --model {}"),
    "grid": ("grids", "Time grids", "zoo sample --grid {}"),
    "metric": ("metrics", "Metrics", "zoo bench --metric {}"),
    "study": ("studies", "Studies", "zoo study {} --quick"),
    "objective": ("objectives", "Training objectives", "zoo train digits --objective {}"),
    "network": ("networks", "Networks", "zoo train digits --network {}"),
    "executor": ("executors", "Executors", "zoo bench --executor {}"),
}
LEADS = {
    "sde": "What turns data into noise. A model is trained on one, and most can be [used on another](../../concepts/sde.md).",
    "model": "Ready-made score models: exact ones, whose law is known in closed form, and two that are trained.",
    "grid": "Rules for the times of a run; [what they do to errors](../../time-grids.md) is measured.",
    "metric": "Figures of merit, smaller is better and 0 is exact. [What their floors are](../../metrics.md).",
    "study": "Experiments that can be repeated; each checks its acceptance figures and exits with 1 if one is missed.",
    "objective": "What a network is [trained](../../training.md) to minimise.",
    "network": "What can be [trained](../../training.md).",
    "executor": "Ways to run many tasks: [benchmarks](../../benchmarks.md), sharded samples.",
}
WORDS = {
    "gaussian": "a process of the form X_t = α(t) X_0 + σ(t) ε. Processes given by drift and diffusion alone are refused.",
    "finite-lam": "a finite log-SNR at both ends of the grid. Where α = 0 (rectified flow at t = 1) stages between have no place.",
    "finite-end": "a finite log-SNR where the grid ends.",
    "finite-diffusion": "a finite diffusion g at both ends. That of rectified flow is infinite at t = 1.",
    "decreasing": "a grid from noise to data: it cannot encode.",
    "discrete": "a process that is a table of discrete steps, `ddpm-betas`.",
    "smooth": "a grid whose steps change smoothly, as its coefficients are those of equal steps.",
}


def pages() -> dict[str, str]:
    """Markdown by page."""
    found = {"reference/index.md": _overview(), "reference/needs.md": _needs()}
    for kind, (folder, _, _) in KINDS.items():
        found[f"reference/{folder}/index.md"] = _table(kind)
        found |= {f"reference/{folder}/{entry.card.name}.md": _page(kind, entry) for entry in facts.entries(kind)}
    return found


def nav() -> list[Any]:
    """A group for each kind."""
    groups = [
        {
            heading: [
                f"reference/{folder}/index.md",
                *(f"reference/{folder}/{e.card.name}.md" for e in facts.entries(kind)),
            ]
        }
        for kind, (folder, heading, _) in KINDS.items()
    ]
    return [*groups, {"Needs of solvers and grids": "reference/needs.md"}]


def _overview() -> str:
    rows = "\n".join(
        f"| [{heading}]({folder}/index.md) | {len(facts.entries(kind))} | `zoo list {folder}` |"
        for kind, (folder, heading, _) in KINDS.items()
    )
    return f"""# Reference

Everything that is registered, generated from its card and docstring.

| | how many | lists them |
|---|---|---|
| [Solvers](solvers/index.md) | {len(facts.entries("solver"))} | `zoo list` |
{rows}

The [commands](cli/index.md), the [Python names](api/index.md) and the [hooks of a plugin](hooks.md) are generated too.
What a card's *needs* mean stands [here](needs.md).
"""


def _needs() -> str:
    sections = "\n".join(
        f"## {need} {{ #{need} }}\n\n{WORDS[need][0].upper()}{WORDS[need][1:]}\n" for need in {**NEEDS, **GRID_NEEDS}
    )
    return f"""# Needs of solvers and grids

A card names what a solver needs of process and grid. A run without it is refused with the reason before the first evaluation.

{sections}"""


def _table(kind: str) -> str:
    _, heading, _ = KINDS[kind]
    extra = [field for field in ("formula", "claim", "dim", "unit") if hasattr(facts.entries(kind)[0].card, field)]
    heads = {"formula": "formula", "claim": "claim", "dim": "dimension", "unit": "unit"}
    rows = []
    for entry in facts.entries(kind):
        card = entry.card
        cells = [_code(getattr(card, name)) if name == "formula" else facts.cell(getattr(card, name)) for name in extra]
        rows.append(f"| [`{card.name}`]({card.name}.md) | {' | '.join([facts.cell(card.title), *cells])} |")
    head = " | ".join(["name", "", *(heads[name] for name in extra)])
    return "\n".join([f"# {heading}\n\n{LEADS[kind]}\n", f"| {head} |", "|---" * (len(extra) + 2) + "|", *rows])


def _code(formula: str) -> str:
    return (
        " <br> ".join(f"`{part.strip()}`" for part in formula.replace("|", "&#124;").split(";"))
        if "|" not in formula
        else _html(formula)
    )


def _html(formula: str) -> str:
    quoted = (
        formula.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("|", "&#124;")
        .replace("*", "&#42;")
        .replace("_", "&#95;")
    )
    return f"<code>{quoted}</code>"


def _page(kind: str, entry: Any) -> str:
    card = entry.card
    _, heading, command = KINDS[kind]
    lead, rest = facts.described(entry)
    words = lambda name: facts.text(str(getattr(card, name, "") or ""))  # noqa: E731
    rows = [
        ("Formula", _html(card.formula) if getattr(card, "formula", "") else ""),
        ("Claim", words("claim")),
        ("Dimension", words("dim")),
        ("Known exactly", ", ".join(getattr(card, "exact", ()))),
        ("Unit", words("unit")),
        ("Measured by default", "yes" if getattr(card, "default", False) else ""),
        (
            "Floor",
            {True: "what exact samples show stands beside it", False: "none: nothing is sampled"}.get(
                getattr(card, "sampled", None), ""
            ),
        ),
        ("Smooth", {True: "yes", False: "no"}[card.smooth] if kind == "grid" else ""),
        ("Fitted", "to model and solver, in calls counted apart" if getattr(card, "fitted", False) else ""),
        ("Needs", ", ".join(f"[{need}](../needs.md#{need})" for need in getattr(card, "needs", ()))),
        (
            "Takes",
            f"{card.seconds:g} s, with `--quick` {card.quick_seconds:g} s, on one core" if kind == "study" else "",
        ),
        ("Install", f'`pip install "solvers-zoo[{card.extra}]"`' if getattr(card, "extra", "") else ""),
        ("Also called", ", ".join(f"`{alias}`" for alias in card.aliases)),
        ("Source", facts.source(card)),
        ("Kind", f"[{heading}](index.md), plugin `{entry.plugin}`"),
    ]
    table = "\n".join(["| | |", "|---|---|", *(f"| {label} | {value} |" for label, value in rows if value)])
    options = facts.options(entry)
    parts = [
        f"---\ntitle: {card.name}\n---\n",
        f"# {facts.text(card.title)} <small>`{card.name}`</small>\n",
        f'<p class="zoo-lead" markdown>{lead.replace("``", "`").replace("<", "&lt;")}</p>\n',
        table,
        f"\n{rest}\n" if rest else "",
        f"\n## Use it\n\n```sh\nzoo show {card.name}{_kind(kind, card.name)}\n{command.format(card.name)}\n```\n",
        f"\n## Options\n\n{options}\n" if options else "",
        f"\n## Source code {{ data-search-exclude }}\n\n{_source(entry)}\n",
    ]
    return "\n".join(part for part in parts if part)


def _kind(kind: str, name: str) -> str:
    others = [
        other
        for other in ("solver", *KINDS)
        if other != kind and any(e.card.name == name for e in facts.entries(other))
    ]
    return f" --kind {kind}" if others else ""


def _source(entry: Any) -> str:
    path, _ = facts.module_of(entry)
    code = inspect.getsource(entry.cls)
    if len(code.splitlines()) > 220:
        return f"In `{path}`."
    indented = "\n".join(f"    {line}".rstrip() for line in ["```python", *code.rstrip().splitlines(), "```"])
    return f'??? quote "`{path}`"\n\n{indented}'
