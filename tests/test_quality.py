"""Lint, format and types are part of the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "tool",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["lint", "format", "types"],
)
def test_the_tree_is_clean(tool: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_beside_the_tests_can_be_told_apart() -> None:
    """Without packages pytest imports them by their bare names, and `conftest` is whichever was loaded first."""
    paths = [path for path in (ROOT / "tests").rglob("*.py") if path.stem not in ("conftest", "__init__")]
    names = [path.name for path in paths]
    assert sorted(names) == sorted(set(names))
    assert [path for path in paths if "from conftest import" in path.read_text() and path != Path(__file__)] == []
