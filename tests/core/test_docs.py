"""Pages that name what is registered."""

from __future__ import annotations

from pathlib import Path

import solvers_zoo as zoo

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_on_solvers_names_every_family():
    page = (DOCS / "solvers.md").read_text()
    assert not [family for family in {card.family for card in zoo.solvers()} if f"- **`{family}`**" not in page]


def test_the_page_on_grids_names_every_rule():
    page = (DOCS / "time-grids.md").read_text()
    assert not [card.name for card in zoo.grids() if f"| `{card.name}` |" not in page]
