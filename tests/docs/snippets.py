"""The snippets of the pages: what is to be run, what only has to be right.

A fence of ``python``, or of commands (``sh``), is run, page by page and in order, in one namespace and one folder. Two comments before a fence
change that; they are the only way. Commands in a fence without a language must parse:

    <!-- not run: needs Slurm -->      it must still compile, and its zoo commands must parse
    <!-- before
    y = torch.zeros(16)                 runs first, unseen
    -->
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+?) -->\n)?(?:<!-- before\n(?P<before>.*?)\n-->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Snippet:
    """A fence: its language, its text, what runs before it, why it is not run (empty if it is)."""

    page: str
    line: int
    language: str
    code: str
    before: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The ``zoo`` commands in it, as words."""
        if self.language not in ("sh", ""):
            return []
        joined = self.code.replace("\\\n", " ")
        lines = (part.strip() for line in joined.splitlines() for part in line.split(" && "))
        return [words for line in lines if line.startswith("zoo ") and (words := shlex.split(line, comments=True))]

    @property
    def others(self) -> list[str]:
        """Lines of commands that are no ``zoo`` command."""
        lines = [line.split("#")[0].strip() for line in self.code.splitlines()] if self.language == "sh" else []
        return [line for line in lines if line and not line.startswith("zoo ")]


def of(text: str, page: str) -> Iterator[Snippet]:
    """The snippets of a page."""
    for found in _FENCE.finditer(text):
        indent = found["indent"]
        code = "\n".join(line.removeprefix(indent) for line in found["code"].splitlines())
        line = text.count("\n", 0, found.start("code"))
        yield Snippet(page, line, found["language"], code, found["before"] or "", found["reason"] or "")


def pages() -> dict[str, str]:
    """The text of every page that is written by hand."""
    return {path.relative_to(DOCS).as_posix(): path.read_text() for path in sorted(DOCS.rglob("*.md"))}


def every() -> list[Snippet]:
    """All snippets of those pages."""
    return [snippet for name, text in pages().items() for snippet in of(text, name)]
