"""Filters over cards."""

from __future__ import annotations

import pytest

from solvers_zoo import OptionError
from solvers_zoo.cli.where import compile_filter

CARD = {"order": 2, "weak_order": None, "family": "dpm", "stochastic": False, "aliases": ("2m", "dpm++")}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("order >= 2", True),
        ("order>2", False),
        ("1 < order <= 2 and not stochastic", True),
        ("family == 'dpm' or order > 5", True),
        ("family in ['sde', 'ddpm']", False),
        ("'2m' in aliases", True),
        ("'pm' in family", True),
        ("'2m' not in aliases", False),
        ("weak_order >= 1", False),  # a fact that the card leaves open
        ("weak_order < 1", False),
        ("weak_order is None", True),
        ("weak_order == none", True),
        ("stochastic == false", True),
        ("stochastic", False),
        ("order > -1", True),
        ("not weak_order", True),
    ],
)
def test_filter(text: str, holds: bool):
    assert compile_filter(text, CARD)(CARD) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("order >=", "Cannot read"),
        ("", "Cannot read"),
        ("order = 2", "Cannot read"),
        ("ordr > 2", "Did you mean 'order'"),
        ("family == dpm", "Text stands in quotes"),
        ("__import__('os').system('true')", "may not hold"),
        ("order.real", "may not hold"),
        ("(lambda: 1)()", "may not hold"),
        ("[x for x in aliases]", "may not hold"),
        ("order ** 9", "may not hold"),
        ("f'{order}'", "may not hold"),
        ("(order := 3)", "may not hold"),
    ],
)
def test_refused_before_any_card_is_seen(text: str, words: str):
    with pytest.raises(OptionError, match="(?s)" + words.replace("(", r"\(")):
        compile_filter(text, CARD)


@pytest.mark.parametrize("text", ["order > 'a'", "'a' in order", "-family == 1"])
def test_values_that_do_not_compare(text: str):
    with pytest.raises(OptionError, match="cannot be"):
        compile_filter(text, CARD)(CARD)
