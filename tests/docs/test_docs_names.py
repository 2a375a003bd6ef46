"""Nothing public without a docstring, no solver without a page and a plot, and plots that are true."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from draw import drawn
from snippets import ROOT

import solvers_zoo as zoo

BUNDLED = [entry for entry in zoo.registry.default().entries("solver") if entry.dist == "solvers-zoo"]


def _names() -> list[str]:
    from api_pages import homes

    return list(homes())


def _value(name: str) -> Any:
    from api_pages import homes

    home = homes()[name]
    return getattr(importlib.import_module(f"solvers_zoo.{home}" if home else "solvers_zoo"), name)


def test_every_public_name_has_a_docstring() -> None:
    missing = []
    for name in _names():
        value = _value(name)
        if inspect.isclass(value) or callable(value):
            own = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
            if not (own or "").strip() or (own or "").startswith(
                f"{name}("
            ):  # what a NamedTuple or a dataclass writes itself
                missing.append(name)
        elif not _has_comment(name):
            missing.append(name)
    assert not missing


def _has_comment(name: str) -> bool:
    """Whether a constant is told of where it is defined: ``#:`` above it, or a string below it."""
    from api_pages import homes

    source = inspect.getsource(importlib.import_module(f"solvers_zoo.{homes()[name]}"))
    return bool(re.search(rf"(^#: .*\n){re.escape(name)}\b|^{re.escape(name)}\b[^\n]*\n\"\"\"", source, re.MULTILINE))


def test_every_public_callable_documents_its_arguments() -> None:
    """Functions of three arguments or more have an ``Args`` section, or say them in the text."""
    missing = []
    for name in _names():
        value = _value(name)
        if not inspect.isfunction(value):
            continue
        given = [
            p for p in inspect.signature(value).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]
        doc = value.__doc__ or ""
        if len(given) >= 3 and "Args:" not in doc and not all(re.search(rf"\b{p.name}\b", doc) for p in given):
            missing.append(name)
    assert not missing


def test_every_public_name_is_on_a_page(site: Path) -> None:
    html = "".join(path.read_text() for path in (site / "reference" / "api").rglob("*.html"))
    assert not [name for name in _names() if f'id="{name}"' not in html]


@pytest.mark.parametrize("part", ["Formula", "When to use it", "Convergence", "Among the others", "Source code"])
def test_every_solver_has_a_page_with_all_parts(site: Path, part: str) -> None:
    missing = []
    for entry in BUNDLED:
        path = site / "reference" / "solvers" / entry.card.name / "index.html"
        if not path.is_file() or f'id="{part.lower().replace(" ", "-")}"' not in path.read_text():
            missing.append(entry.card.name)
    assert not missing


def test_every_solver_has_a_plot_and_a_row(site: Path) -> None:
    table = (site / "reference" / "solvers" / "index.html").read_text()
    missing = []
    for entry in BUNDLED:
        html = (site / "reference" / "solvers" / entry.card.name / "index.html").read_text()
        if not re.search(r'class="zoo-line" d="M[\d. ]+L', html) or f'href="{entry.card.name}/"' not in table:
            missing.append(entry.card.name)
    assert not missing, "python docs/figures.py NAME measures a new solver"


@pytest.mark.parametrize("name", drawn([entry.card.name for entry in BUNDLED], 10, "plots"))
def test_plots_show_what_the_code_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of some solvers, which the tree draws, two points of a stored curve are measured again."""
    import facts

    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    figures = importlib.import_module("figures")
    solver, stored = zoo.solver(name), facts.curves()["solvers"][name]
    if solver.facts().order is not None and not solver.facts().adaptive and "flow" in stored:
        now = [(steps, figures._flow_error(solver, int(steps))) for steps, _ in stored["flow"][:2]]
        then = stored["flow"][:2]
    elif "law" in stored:
        now = [(steps, figures._law_error(solver, int(steps))) for steps, _ in stored["law"][:2]]
        then = stored["law"][:2]
    else:
        which = "work" if "work" in stored else "samples"
        now, then = list(figures.__dict__["_work" if which == "work" else "_sampled"](solver))[:1], stored[which][:1]
    assert [error for _, error in now] == pytest.approx([error for _, error in then], rel=0.02)
