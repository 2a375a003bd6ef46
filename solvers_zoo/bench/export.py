"""Tables as files: CSV, Parquet and JSON with every digit, LaTeX (booktabs) and Markdown as they are read."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import StorageError
from solvers_zoo.storage.files import replace, wrong_ending

if TYPE_CHECKING:
    import duckdb

_Data = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Sheet:
    """A table as it is read: texts in sections, each with what all its rows share.

    Attributes:
        heads: the columns' headings.
        numbers: which of them hold numbers and stand on the right.
        sections: (title, groups of rows); an empty title has none.

    """

    heads: tuple[str, ...]
    numbers: tuple[bool, ...]
    sections: tuple[tuple[str, tuple[tuple[tuple[str, ...], ...], ...]], ...]


def export(data: _Data, sheet: Sheet, form: str) -> bytes:
    """A table in a form of `WRITERS`.

    Args:
        data: rows with every digit, for csv, parquet and json; lists and dictionaries in them are written as JSON.
        sheet: the same as it is read, for tex and md.
        form: ``csv``, ``parquet``, ``json``, ``tex`` or ``md``.

    """
    return WRITERS[form](data, sheet)


def form_of(path: Path) -> str:
    """The form that a file's name asks for.

    Raises:
        StorageError: it asks for none of `WRITERS`.

    """
    form = path.suffix.lower().removeprefix(".")
    if form not in WRITERS:
        raise StorageError(wrong_ending(path, f"a table is written as {', '.join(WRITERS)}"))
    return form


def write(path: Path, data: _Data, sheet: Sheet, form: str | None = None) -> None:
    """Write a table to a file in one stroke, in the form that its name asks for if none is given.

    Raises:
        StorageError: another suffix, or it cannot be written.

    """
    content = export(data, sheet, form or form_of(path))
    replace(path, lambda file: file.write(content))


def finite(value: Any) -> Any:
    """A value as JSON has it: what is not finite is null."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(value: Any) -> Any:
    return json.dumps(finite(value), ensure_ascii=False) if isinstance(value, dict | list | tuple) else value


def _csv(data: _Data, _: Sheet) -> bytes:
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\n")
    if data:
        sheet.writerow(data[0])
    sheet.writerows([_flat(value) for value in row.values()] for row in data)
    return text.getvalue().encode()


def _json(data: _Data, _: Sheet) -> bytes:
    return (json.dumps(finite(list(data)), ensure_ascii=False, indent=1) + "\n").encode()


def _parquet(data: _Data, _: Sheet) -> bytes:
    import duckdb

    try:
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as base:
            path = Path(folder) / "table.parquet"
            _fill(base, data)
            base.execute(f"COPY data TO '{path}' (FORMAT parquet)")
            return path.read_bytes()
    except (OSError, duckdb.Error) as error:
        raise StorageError(
            f"The table cannot be written as Parquet: {str(error).splitlines()[0].rstrip('.')}."
        ) from None


def _fill(base: duckdb.DuckDBPyConnection, data: _Data) -> None:
    names = list(data[0]) if data else ["empty"]
    safe = ['"' + name.replace('"', '""') + '"' for name in names]
    columns = ", ".join(f"unnest(${i + 1}) AS {name}" for i, name in enumerate(safe))
    base.execute(f"CREATE TABLE data AS SELECT {columns}", [[_flat(row[name]) for row in data] for name in names])
    for name, (_, kind, *_rest) in zip(safe, base.execute("DESCRIBE data").fetchall(), strict=True):
        if "NULL" in kind:  # a column without a value has no type of its own
            base.execute(f"ALTER TABLE data ALTER {name} TYPE DOUBLE")


def _md(_: _Data, sheet: Sheet) -> bytes:
    lines = []
    for title, parts in sheet.sections:
        lines += [f"**{_md_safe(title)}**", ""] if title else []
        lines.append(f"| {' | '.join(map(_md_safe, sheet.heads))} |")
        lines.append(f"|{'|'.join('---:' if number else ':---' for number in sheet.numbers)}|")
        lines += [f"| {' | '.join(map(_md_safe, row))} |" for rows in parts for row in rows] + [""]
    return "\n".join(lines).encode()


def _md_safe(text: str) -> str:
    return re.sub(r"([\\|*_`<>\[\]~])", r"\\\1", text.replace("\n", " "))


#: Signs of LaTeX, and those that its fonts lack.
_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "–": "--",
    "≈": r"$\approx$",
    "\n": " ",
}


def _tex(_: _Data, sheet: Sheet) -> bytes:
    """A tabular; it needs the package booktabs."""
    lines = [rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in sheet.numbers)}}}", r"\toprule"]
    lines += [" & ".join(map(_tex_safe, sheet.heads)) + r" \\"]
    for title, parts in sheet.sections:
        lines.append(r"\midrule")
        lines += [rf"\multicolumn{{{len(sheet.heads)}}}{{l}}{{{_tex_safe(title)}}} \\", r"\midrule"] if title else []
        for place, rows in enumerate(parts):
            lines += [r"\addlinespace"] if place else []
            lines += [" & ".join(map(_tex_safe, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""]).encode()


def _tex_safe(text: str) -> str:
    safe = "".join(_TEX.get(sign, sign) for sign in text)
    return re.sub(r"(-?\d(?:\.\d+)?)e([+-]\d+)", lambda m: rf"${m[1]}\cdot10^{{{int(m[2])}}}$", safe)


#: Forms by the suffixes of files.
WRITERS: dict[str, Callable[[_Data, Sheet], bytes]] = {
    "csv": _csv,
    "parquet": _parquet,
    "json": _json,
    "tex": _tex,
    "md": _md,
}
