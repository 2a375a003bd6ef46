"""Formulas keep their shape: ``zoo show`` and the documentation wrap what is not indented, and print indented lines as they are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [path for base in ("solvers_zoo", "plugins") for path in sorted((ROOT / base).rglob("*.py"))]
#: Words drawn up in columns: three spaces or more between two of them.
COLUMNS = re.compile(r"\S {3,}\S")


def lost(source: str) -> list[str]:
    """The lines of docstrings in ``source`` that are drawn up in columns and would be wrapped, as they are not indented.

    A table of Markdown, whose lines begin with ``|``, is no such line: what prints it draws it up anew.
    """
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = (ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, kinds))
    lines = (line for text in texts for line in text.splitlines())
    return [line for line in lines if not line.startswith((" ", "|")) and COLUMNS.search(line)]


@pytest.mark.parametrize("base", ["solvers_zoo", "plugins"])
def test_formulas_are_indented(base):
    found = {str(path.relative_to(ROOT)): lost(path.read_text()) for path in FILES if path.is_relative_to(ROOT / base)}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_formula_that_would_be_wrapped_is_found():
    lines = '"""A step.\n\n{0}x = a + b,    y = c\n\n| a    | b |\n"""'
    assert lost(lines.format("")) == ["x = a + b,    y = c"]
    assert lost(lines.format("    ")) == []


def test_the_first_plugin_of_the_documentation_keeps_its_formula_too():
    page = (ROOT / "docs" / "first-plugin.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert any("class Midpoint" in block for block in blocks)
    assert [line for block in blocks if '"""' in block for line in lost(block)] == []
