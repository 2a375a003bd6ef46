"""Specifications: how a configured thing is written in one line.

    heun
    ddim:eta=0.5
    dpmpp-2m-sde(eta=0.5, solver_type=heun)
    adaptive(heun, rtol=1e-3)
    solvers-zoo:heun(variable=t)          one distribution's, where two claim the name

``parse`` reads text to a `Spec`; the registry makes the object. Values are numbers, true/false/none, names, quoted
strings, lists in brackets or nested specifications.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from solvers_zoo.errors import OptionError

_NAME = re.compile(r"[A-Za-z_][\w.\-]*(?::(?=[A-Za-z_][\w.\-]*(?:\(|$|[,:\])]))[A-Za-z_][\w.\-]*)?")
_KEY = re.compile(r"([A-Za-z_]\w*)\s*=")
_NUMBER = re.compile(r"[-+]?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])")
_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Spec:
    """A name with positional and named values; nested values are `Spec` or plain."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def bare(self) -> bool:
        """Whether it is a name and nothing else."""
        return not self.args and not self.kwargs


def parse(text: str) -> Spec:
    """Read one specification.

    Raises:
        OptionError: the text is not one; the message points at the place.

    """
    reader = _Reader(text)
    spec = reader.spec(colon=True)
    reader.skip()
    if reader.at < len(text):
        reader.fail("this is left over")
    return spec


def is_bare(text: str) -> bool:
    """Whether a name can stand in a specification without quotes."""
    return bool(_NAME.fullmatch(text)) and not _NUMBER.match(text) and text.lower() not in _WORDS


def split_list(text: str) -> list[str]:
    """Split on commas outside parentheses and brackets: ``"heun,adaptive(heun, rtol=1e-3)"``."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


class _Reader:
    """A recursive-descent reader; ``at`` is the place it has come to."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def fail(self, why: str) -> None:
        rest = self.text[self.at :] or "the end"
        raise OptionError(
            f"Cannot read {self.text!r}: {why} at {rest!r}. Write name, name:key=value or name(key=value, ...)."
        )

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.skip()
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def punctuation(self, char: str) -> bool:
        self.skip()
        if self.text.startswith(char, self.at):
            self.at += 1
            return True
        return False

    def spec(self, colon: bool = False) -> Spec:
        name = self.take(_NAME)
        if name is None:
            self.fail("a name is missing")
            raise AssertionError
        if self.punctuation("("):
            return Spec(name[0], *self.arguments(")"))
        if colon and self.punctuation(":"):
            return Spec(name[0], *self.arguments(""))
        return Spec(name[0])

    def arguments(self, close: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        while True:
            if close and self.punctuation(close):
                break
            key = self.take(_KEY)
            value = self.value()
            if key is None:
                if kwargs:
                    self.fail("a value without a name follows a named one")
                args.append(value)
            elif key[1] in kwargs:
                self.fail(f"{key[1]} is given twice")
            else:
                kwargs[key[1]] = value
            if self.punctuation(","):
                continue
            if close and not self.punctuation(close):
                self.fail(f"{close!r} is missing")
            break
        return tuple(args), kwargs

    def value(self) -> Any:
        self.skip()
        if self.punctuation("["):
            items = []
            while not self.punctuation("]"):
                items.append(self.value())
                if not self.punctuation(",") and not self.text.startswith("]", self.at):
                    self.fail("']' is missing")
            return items
        for quote in "'\"":
            if self.punctuation(quote):
                end = self.text.find(quote, self.at)
                if end < 0:
                    self.fail("a closing quote is missing")
                word, self.at = self.text[self.at : end], end + 1
                return word
        number = self.take(_NUMBER)
        if number:
            text = number[0]
            return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        spec = self.spec()
        if spec.bare and spec.name.lower() in _WORDS:
            return _WORDS[spec.name.lower()]
        return spec
