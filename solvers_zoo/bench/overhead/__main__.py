"""Measure and print: ``python -m solvers_zoo.bench.overhead``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from solvers_zoo.bench.overhead.comparison import SHAPES, measure
from solvers_zoo.bench.overhead.row import markdown, table
from solvers_zoo.registry.spec import split_list


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m solvers_zoo.bench.overhead", description="What a solver costs a step."
    )
    parser.add_argument("--solvers", default="", help="comma-separated; all that a peer has too if none is given")
    parser.add_argument(
        "--peers", default=None, help="k-diffusion,diffusers,azula; those that are installed by default"
    )
    parser.add_argument("--shape", action="append", default=[], help="of the whole state, as 64,3,32,32; repeatable")
    parser.add_argument("--steps", type=int, default=18)
    parser.add_argument("--repeats", type=int, default=50, help="rounds in which everything runs in turn")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="both by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/agreement.md")
    given = parser.parse_args(arguments)
    rows = measure(
        split_list(given.solvers) if given.solvers else (),
        [tuple(map(int, shape.split(","))) for shape in given.shape] or SHAPES,
        given.peers.split(",") if given.peers else None,
        given.repeats,
        steps=given.steps,
        device=given.device,
    )
    if given.json:
        print(json.dumps([row.record() for row in rows], indent=2))  # noqa: T201
        return
    if given.markdown:
        print("\n".join(markdown(rows)))  # noqa: T201
        return
    from rich.console import Console
    from rich.table import Table

    headings, lines = table(rows)
    shown = Table(*headings, title="microseconds a step above the model", title_justify="left")
    for line in lines:
        shown.add_row(*line)
    Console(width=None if sys.stdout.isatty() else 200).print(shown)


if __name__ == "__main__":
    main()
