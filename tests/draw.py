"""What a run examines where it cannot examine all: drawn by the hash of the tree, so by the code and by nothing else.

The same code draws the same sample on any machine and any day, and every change of the code draws another. The hash stands
at the head of each run; ZOO_DRAW=<hash> draws that run's sample again, whatever the code is now.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Folders whose Python files are the tree.
TREE = ("solvers_zoo", "plugins")


@functools.cache
def tree_hash() -> str:
    """ZOO_DRAW where it is set; else 12 hexadecimal digits of the paths and contents of the tree's Python files."""
    given = os.environ.get("ZOO_DRAW", "").strip()
    if given:
        return given
    digest = hashlib.sha256()
    for path in sorted(path for folder in TREE for path in (ROOT / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def drawn(names: Iterable[str], count: int, key: str) -> list[str]:
    """``count`` of the names (all, where there are fewer), in the order in which they came.

    Args:
        names: what there is to choose from, each once.
        count: how many are taken.
        key: the word of this draw; draws of other words are independent of it.

    """
    listed = list(names)
    chosen = set(sorted(listed, key=lambda name: _rank(key, name))[:count])
    return [name for name in listed if name in chosen]


def _rank(key: str, name: str) -> str:
    return hashlib.sha256("\0".join((tree_hash(), key, name)).encode()).hexdigest()


def header() -> str:
    """The line at the head of a test run."""
    return f"drawn by the tree {tree_hash()}; ZOO_DRAW={tree_hash()} draws the same again"
