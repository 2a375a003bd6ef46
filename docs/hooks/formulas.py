r"""Formulas between dollars, as MathML, which browsers set themselves: no script. Their font comes with the site.

STIX Two Math (SIL Open Font License) is taken from the package ziamath and cut down to what formulas use.
"""

from __future__ import annotations

import functools
import io
import re
import unicodedata
from collections.abc import Iterable
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

#: Ranges of characters that formulas may need.
_LETTERS = (
    (0x20, 0x7E),
    (0xA0, 0xFF),
    (0x300, 0x36F),
    (0x391, 0x3F5),
    (0x2010, 0x2057),
    (0x2100, 0x214F),
    (0x2190, 0x21FF),
    (0x2200, 0x22FF),
    (0x2308, 0x230B),
    (0x27E6, 0x27EF),
    (0x2A00, 0x2A06),
    (0x1D400, 0x1D7FF),
)

_FORMULA = re.compile(r'<(span|div) class="arithmatex">(\\[(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def to_mathml(html: str) -> str:
    """The page with its formulas set.

    Raises:
        ValueError: a formula that cannot be read, with its text.

    """
    return _FORMULA.sub(lambda found: _set(unescape(found[3]).strip(), found[2] == r"\["), html)


def in_contents(entries: Iterable[Any]) -> None:
    """Set the formulas in the headings that a table of contents lists."""
    for entry in entries:
        entry.title = re.sub(r"\\\((.*?)\\\)", lambda found: _set(unescape(found[1]), False), entry.title)
        in_contents(entry.children)


@functools.cache
def _set(latex: str, display: bool) -> str:
    try:
        math = convert(latex, display="block" if display else "inline")
    except Exception as error:
        raise ValueError(f"the formula {latex!r} cannot be set: {error}") from error
    math = _spaced(_ALPHABET.sub(_letter, math))
    return f"<div class='arithmatex'>{math}</div>" if display else math


#: Letters of another alphabet: browsers know the letters themselves, and not this attribute.
_ALPHABET = re.compile(r'<m([in]) mathvariant="(script|double-struck|bold|bold-italic|fraktur)">(\w)</m\1>')
_NAMES = r"<mi>(?:log|ln|exp|sin|cos|tan|det|tr|div|min|max|inf|sup|lim|arg)</mi>"
_AFTER = re.compile(rf"({_NAMES})(?=<m(?:i|n|sub|sup|frac|row|sqrt)\b)")
_BEFORE = re.compile(rf"(</m(?:i|n|sub|sup|subsup|frac)>|&#x02207;</mo>)(?={_NAMES})")


def _letter(found: re.Match[str]) -> str:
    kind, letter = found[2].upper().replace("BOLD-", "BOLD "), found[3]
    size = "DIGIT" if letter.isdigit() else "CAPITAL" if letter.isupper() else "SMALL"
    name = f"{kind} {size} {unicodedata.name(letter).split()[-1]}"
    for candidate in (f"MATHEMATICAL {name}", name, f"BLACK-LETTER {size} {letter.upper()}"):
        try:
            return f"<m{found[1]}>{unicodedata.lookup(candidate)}</m{found[1]}>"
        except KeyError:
            continue
    return found[0]


def _spaced(math: str) -> str:
    """A thin space round the names of functions, which TeX would set."""
    thin = '<mspace width="0.167em"></mspace>'
    return _AFTER.sub(rf"\1{thin}", _BEFORE.sub(rf"\1{thin}", math))


@functools.cache
def font() -> bytes:
    """The font of formulas, as WOFF."""
    from fontTools.subset import Options, Subsetter, load_font, save_font

    # where it lies, without an import that would load its typesetter
    package = find_spec("ziamath")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError('formulas need a font; pip install "solvers-zoo[docs]" brings it')
    path = Path(package.submodule_search_locations[0]) / "fonts" / "STIXTwoMath-Regular.ttf"
    options = Options(flavor="woff", layout_features=["*"], notdef_outline=True, recalc_timestamp=False)
    with load_font(str(path), options) as whole:
        cut = Subsetter(options)
        cut.populate(unicodes=[code for low, high in _LETTERS for code in range(low, high + 1)])
        cut.subset(whole)
        out = io.BytesIO()
        save_font(whole, out, options)
    return out.getvalue()
