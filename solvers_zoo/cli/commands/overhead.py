"""``zoo bench --overhead``: what a solver costs a step besides the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from solvers_zoo.cli import common, matrix
from solvers_zoo.cli.progress import Progress


def show(solvers: Sequence[str] | None, shapes: Sequence[str], out: Path | None, json: bool, quiet: bool) -> None:
    """Measure and print, or write to ``out``."""
    sizes = [_shape(text) for text in shapes]
    if out is not None:
        matrix.refuse(out)
    from solvers_zoo.bench.overhead import SHAPES, measure, table

    with Progress("overhead", wanted=not (quiet or json), unit="rows") as progress:
        rows = measure(solvers or (), sizes or SHAPES, progress=progress)
    headings, lines = table(rows)
    if out is not None:
        matrix.write(out, [dict(zip(headings, line, strict=True)) for line in lines])
    if json:
        common.print_json([row.record() for row in rows])
        return
    from rich.table import Table

    shown = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        shown.add_column(heading, justify="right" if 3 <= number <= 10 else "left", overflow="fold")
    for line in lines:
        shown.add_row(*line)
    common.say("Microseconds a step above the model; ratio: the zoo's over the other library's.", "dim")
    common.stdout().print(shown)


def _shape(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(word) for word in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise common.misuse(f"--shape {text!r} is not possible; it takes whole numbers >= 1, as in 64,3,32,32.")
    return sizes
