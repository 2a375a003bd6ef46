"""Conditions on results as users write them: SQL, where words may stand without quotes (``nfe<=10 and model=digits``)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from solvers_zoo.errors import OptionError

#: Text in quotes, which is left as it is; or a name, a sign and a word that begins with a letter, ``*`` or ``?``.
_PART = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\b(?P<name>\w+)\s*(?P<sign>==|=|!=|<>)\s*"""
    r"""(?P<word>[A-Za-z*?\d][\w.*?/:+-]*(?:\((?:[^()]|\([^()]*\))*\))?)""",
)


def condition(text: str, words: Collection[str]) -> str:
    """SQL of a condition.

    A bare word after ``=`` or ``!=`` is text where the column is: ``solver=heun`` means heun with any options, ``solver=dpm*`` all names
    that begin so. Everything else is SQL already.

    Args:
        text: the condition.
        words: the columns of text.

    """

    def quoted(found: re.Match[str]) -> str:
        name, sign, word = found["name"], found["sign"], found["word"]
        if name is None or name.lower() not in words or word.lower() in words or word.lower() == "null":
            return found[0]
        value = "'" + word.replace("'", "''") + "'"
        if "*" in word or "?" in word:
            same = f"{name} GLOB {value}"
        else:
            same = f"({name} = {value} OR starts_with({name}, {value[:-1]}('))"
        return same if sign in ("=", "==") else f"NOT {same}"

    return _PART.sub(quoted, text)


def refuse(option: str, text: str, error: Exception, columns: Collection[str], offered: Collection[str]) -> OptionError:
    """What DuckDB says of a condition or a query, as one sentence; of a wrong name near ones among ``columns``, or ``offered``."""
    first = str(error).splitlines()[0].strip()
    kind, _, message = first.partition(": ")
    message = message if kind.endswith("Error") and message else first
    missing = re.search(r'column "?(\w[\w.-]*)"? (?:not found|does not exist)|Referenced column "(\w[\w.-]*)"', message)
    if missing is None:
        return OptionError(f"{option} {text!r} cannot be used: {message.rstrip('.!')}.")
    name = missing[1] or missing[2]
    near = difflib.get_close_matches(name, columns, n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"The columns are {', '.join(offered)}."
    return OptionError(f"{option} {text!r} knows no column {name!r}. {hint}")
