"""A page for every solver and the table of all, from cards, docstrings and measurements."""

from __future__ import annotations

import functools
import inspect
import math
from html import escape
from itertools import groupby
from typing import Any

import facts
import solver_charts

FOLDER = "reference/solvers"

#: When a family is what one wants; every figure that is named is measured elsewhere on the site.
FAMILIES = {
    "ddpm": "The plain step. Robust at any budget and any guidance, first order: the baseline.",
    "runge-kutta": "Accurate flows, encoding and likelihood, where there are some 40 evaluations and more; far behind at ten.",
    "dpm": "Few evaluations on the flow; the single-step methods keep no history, so they suit a changing model.",
    "exponential": "As `dpm`; its multistep methods cost one evaluation a step, its Runge-Kutta methods are for smooth exact maps.",
    "multistep": "Five to ten evaluations on the flow: one a step, and the past gives the order.",
    "unipc": "Ten evaluations and more on the flow: the corrector's order comes free.",
    "implicit": "Stiff flows and large steps where explicit methods blow up; each step costs many evaluations.",
    "adaptive": "An accuracy instead of a budget: every sample takes the steps it needs.",
    "torchdiffeq": "To compare with that library, or to use its integrators as they are.",
    "sde": "The plain reverse SDE with any share of its noise; needs many steps.",
    "ancestral": "Samplers of the community with noise put back in every step; twenty evaluations and more.",
    "stochastic": "Noise at few evaluations: multistep and exponential methods of the reverse SDE.",
    "srk": "Strong and weak order on the reverse SDE, stabilised steps and underdamped dynamics.",
    "langevin": "Markov chains at fixed noise levels: a corrector, or the lecture's annealed sampler. Biased by their step.",
    "predictor-corrector": "Langevin steps after each step of another solver: they repair its law where the score is good.",
    "torchsde": "To compare with that library, or to use its integrators as they are.",
    "wrapper": "Changes another solver: its start-up, its noise, its use under observations.",
}


@functools.cache
def families() -> list[tuple[str, list[Any]]]:
    """Families in the order of `FAMILIES`, and their solvers."""
    order = list(FAMILIES)
    cards = sorted(facts.entries("solver"), key=lambda e: (order.index(e.card.family), e.card.name))
    return [(family, list(group)) for family, group in groupby(cards, key=lambda e: e.card.family)]


def pages() -> dict[str, str]:
    """Markdown by page."""
    found = {f"{FOLDER}/{entry.card.name}.md": _page(entry) for _, group in families() for entry in group}
    return {f"{FOLDER}/index.md": _table(), **found}


def nav() -> list[Any]:
    """The navigation: a group for each family."""
    return [{family: [f"{FOLDER}/{entry.card.name}.md" for entry in group]} for family, group in families()]


# -- one solver ----------------------------------------------------------------------------------------------------


def _page(entry: Any) -> str:
    card = entry.card
    lead, rest = facts.described(entry)
    options = facts.options(entry)
    parts = [
        f"---\ntitle: {card.name}\ndescription: {_yaml(f'{card.title}: {lead}')}\n---\n",
        f"# {facts.text(card.title)} <small>`{card.name}`</small>\n",
        f'<p class="zoo-lead" markdown>{lead.replace("``", "`")}</p>\n',
        _facts_table(entry),
        f"\n## Formula\n\n{rest or 'That of the library, which takes the step itself.'}\n",
        f"\n## When to use it\n\n{_when(card)}\n",
        f"\n## Use it\n\n{_use(card)}\n",
        f"\n## Options\n\n{options}\n" if options else "",
        f"\n## Convergence\n\n{solver_charts.convergence(card)}\n",
        f"\n## Among the others\n\n{solver_charts.place(card)}\n",
        f"\n## Source code {{ data-search-exclude }}\n\n{_code(entry)}\n",
        f"\n## Of the same family {{ data-search-exclude }}\n\n{_siblings(card)}\n",
    ]
    return "\n".join(part for part in parts if part)


def _facts_table(entry: Any) -> str:
    card, seen = entry.card, facts.orders().get(entry.card.name, {})
    traits = ["stochastic" if card.stochastic else "deterministic"]
    traits += [word for word in ("adaptive", "implicit", "stationary") if getattr(card, word)]
    traits += ["couples the samples of a batch"] if card.batch_coupled else []
    traits += [] if card.resumable else ["does not resume"]
    rows = [
        ("Order", _claim(card.order, seen.get("order"))),
        ("Order with exact history", _claim(card.nominal_order, seen.get("nominal_order"))),
        ("Order on uneven grids", facts.number(card.rough_order)),
        ("Weak order", _claim(card.weak_order, seen.get("weak_order"))),
        ("Strong order", _claim(card.strong_order, seen.get("strong_order"))),
        ("Evaluations a step", facts.cost(card)),
        ("Kind", ", ".join(traits)),
        ("Integrates in", {"lam": "λ = log(α/σ)", "sigma": "σ/α", "t": "t"}.get(card.variable, card.variable)),
        ("Remembers", f"{card.memory} past evaluation{'s' if card.memory > 1 else ''}" if card.memory else ""),
        ("Bias", facts.text(card.bias)),
        ("Needs", ", ".join(f"[{need}](../needs.md#{need})" for need in card.needs)),
        ("Equals", ", ".join(map(_linked, card.equivalents))),
        ("Also called", ", ".join(f"`{alias}`" for alias in card.aliases)),
        ("Source", facts.source(card)),
        ("Family", f"[`{card.family}`](index.md), plugin `{entry.plugin}`"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {label} | {words} |" for label, words in rows if words)])


def _claim(claimed: float | None, measured: float | None) -> str:
    if claimed is None:
        return ""
    return f"**{claimed:g}** claimed" + (f", **{measured:.2f}** measured" if measured is not None else "")


def _linked(spec: str) -> str:
    name = spec.split("(")[0].split(":")[0]
    known = {entry.card.name for entry in facts.entries("solver")}
    return f"[`{spec}`]({name}.md)" if name in known else f"`{spec}`"


def _when(card: Any) -> str:
    words = [FAMILIES[card.family]]
    if card.stochastic and not card.stationary and card.family != "wrapper":
        words.append("It draws noise, so a seed and not only a start settles a sample.")
    if "smooth" in card.needs or card.rough_order is not None:
        words.append("Keep to [smooth grids](../../time-grids.md): on others its order falls.")
    if card.memory and card.nominal_order not in (None, card.order):
        words.append(
            f"Its start-up costs it order: {card.order:g} as shipped, {card.nominal_order:g} with exact history."
        )
    if card.batch_coupled:
        words.append("The samples of a batch influence each other: results change with the batch.")
    return " ".join([*words, solver_charts.standing(card)])


def _use(card: Any) -> str:
    size = "" if card.adaptive else " --steps 20"
    given = "" if card.adaptive else ", steps=20"
    return (
        f"```sh\nzoo sample --solver {card.name}{size}\nzoo check {card.name}\n```\n\n"
        f'```python\nimport solvers_zoo as zoo\n\nresult = zoo.sample(zoo.model("ring"), solver="{card.name}"{given}, n=1000)\n```'
    )


def _code(entry: Any) -> str:
    path, _ = facts.module_of(entry)
    try:
        code = inspect.getsource(entry.cls)
    except (OSError, TypeError):
        return f"A row of a validated table in `{path}`."
    if len(code.splitlines()) > 220:
        return f"In `{path}`."
    indented = "\n".join(f"    {line}".rstrip() for line in ["```python", *code.rstrip().splitlines(), "```"])
    return f'??? quote "`{path}`"\n\n{indented}'


def _siblings(card: Any) -> str:
    group = next(group for family, group in families() if family == card.family)
    return " · ".join(f"[{e.card.name}]({e.card.name}.md)" for e in group if e.card.name != card.name) or "None."


def _yaml(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"')[:280] + '"'


# -- the table -----------------------------------------------------------------------------------------------------

_HEADINGS = ("solver", "family", "order", "weak", "NFE", "noise", "at 10", "at 20", "source")


def _table() -> str:
    rows = "\n".join(_row(entry) for _, group in families() for entry in group)
    heads = "".join(f'<th><button type="button">{heading}</button></th>' for heading in _HEADINGS)
    choices = "".join(f"<option>{family}</option>" for family, _ in families())
    total = len(facts.entries("solver"))
    return f"""---
title: All solvers
hide: [toc]
---
# All solvers

{total} solvers. *Order* and *weak* are claimed on the card, and beside it what the [conformance kit](../../measured.md) measured; *NFE* is
evaluations a step. *At 10* and *at 20* are errors on the mixture of `zoo study ranking` at so many evaluations: of
deterministic solvers the distance from the exact flow, of stochastic ones, in italics, the sliced Wasserstein distance of 4,000 samples,
of which exact samples show {facts.curves()["floor"][0]:g} to {facts.curves()["floor"][1]:g}. The two are not to be compared.

<div class="zoo-tools"><input type="search" id="zoo-filter" placeholder="name, title or source" aria-label="Filter solvers">
<select id="zoo-family" aria-label="Family"><option value="">all families</option>{choices}</select>
<select id="zoo-noise" aria-label="Noise"><option value="">with or without noise</option><option value="0">deterministic</option><option value="1">stochastic</option></select>
<output id="zoo-count">{total} solvers</output></div>

<div class="zoo-scroll"><table class="zoo-table" id="zoo-solvers"><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody></table></div>
"""


def _row(entry: Any) -> str:
    card, seen = entry.card, facts.orders().get(entry.card.name, {})
    which = "samples" if facts.configured(card.name).stochastic else "work"
    errors = [facts.at_budget(facts.curve(card.name, which), nfe) for nfe in (10, 20)]
    equals = f"<br><small>= {escape(', '.join(card.equivalents))}</small>" if card.equivalents else ""
    link = facts.address(card.source)
    authors = escape(card.source.authors)
    cells = [
        f'<td data-key="{card.name}"><a href="{card.name}/"><code>{card.name}</code></a><br><small>{escape(card.title)}</small>{equals}</td>',
        f"<td>{card.family}</td>",
        _figure_cell(card.order, seen.get("order")),
        _figure_cell(card.weak_order, seen.get("weak_order")),
        f'<td class="number" data-key="{card.evaluations or 99}">{facts.cost(card)}</td>',
        f'<td data-key="{int(card.stochastic)}">{"●" if card.stochastic else ""}</td>',
        *(_error_cell(error, card.stochastic) for error in errors),
        f'<td data-key="{authors}">{f"""<a href="{escape(link)}">{authors}</a>""" if link else authors}<br><small>{escape(card.source.where)}</small></td>',
    ]
    return f'<tr data-family="{card.family}" data-noise="{int(card.stochastic)}">{"".join(cells)}</tr>'


def _figure_cell(claimed: float | None, measured: float | None) -> str:
    if claimed is None:
        return '<td class="number" data-key="-1"></td>'
    beside = f" <small>{measured:.2f}</small>" if measured is not None else ""
    return f'<td class="number" data-key="{claimed:g}">{claimed:g}{beside}</td>'


def _error_cell(error: float, stochastic: bool) -> str:
    if math.isnan(error):
        return '<td class="number" data-key="1e99"></td>'
    words = facts.figure(error)
    return f'<td class="number" data-key="{error:g}">{f"<i>{words}</i>" if stochastic else words}</td>'
