"""What a run examines depends on the code and on nothing else."""

from __future__ import annotations

import draw
import pytest

NAMES = [f"name-{i}" for i in range(200)]


@pytest.fixture
def given(monkeypatch):
    def give(value):
        monkeypatch.setenv("ZOO_DRAW", value)
        draw.tree_hash.cache_clear()

    yield give
    draw.tree_hash.cache_clear()


def test_a_draw_is_repeated_by_one_variable_and_differs_between_trees_and_keys(given):
    given("abc")
    first = draw.drawn(NAMES, 20, "solvers")
    assert len(first) == 20
    assert first == sorted(first, key=NAMES.index)
    assert draw.drawn(NAMES, 20, "pages") != first
    given("def")
    assert draw.drawn(NAMES, 20, "solvers") != first
    given("abc")
    assert draw.drawn(NAMES, 20, "solvers") == first
    assert draw.drawn(reversed(NAMES), 20, "solvers") == first[::-1]
    assert draw.drawn(NAMES[:3], 20, "solvers") == NAMES[:3]


def test_the_tree_is_its_python_files_and_the_header_says_how_to_draw_again(given, monkeypatch, tmp_path):
    given("")
    monkeypatch.setattr(draw, "ROOT", tmp_path)
    file = tmp_path / "plugins" / "zoo_x" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n")
    first = draw.tree_hash()
    assert f"ZOO_DRAW={first}" in draw.header()
    for change, counts in (
        (lambda: (file.parent / "measured.json").write_text("{}"), False),
        (lambda: file.write_text("x = 2\n"), True),
    ):
        draw.tree_hash.cache_clear()
        change()
        assert (draw.tree_hash() != first) == counts
