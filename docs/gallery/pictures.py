"""Pictures of the lectures that are no study: each is a function of the zoo's public names that returns a figure and what it measured.

python docs/gallery/pictures.py list
python docs/gallery/pictures.py forward --out forward.png
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from solvers_zoo.charts.theme import INKS, PALETTE


class Picture(NamedTuple):
    """A figure, of matplotlib or Altair, and the numbers that the page quotes."""

    figure: Any
    figures: dict[str, float]


#: The colours and inks of the zoo's charts.
COLOURS, INK, QUIET = PALETTE["light"], INKS["light"][0], INKS["light"][1]
STYLE: Any = {
    "font.size": 9,
    "axes.linewidth": 0.6,
    "axes.edgecolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "axes.titlesize": 9.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.hashsalt": "solvers-zoo",
}


def sheet(columns: int, width: float, height: float, heading: str, rows: int = 1, **more: Any) -> tuple[Any, Any]:
    """A matplotlib figure with a heading, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    figure.suptitle(heading, fontsize=11, x=0.01, ha="left", fontweight="bold")
    return figure, figure.subplots(rows, columns, squeeze=False, **more)


def write(figure: Any, path: Path) -> None:
    """Write a figure of either kind."""
    if hasattr(figure, "savefig"):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    else:
        from solvers_zoo.charts import save

        save(figure, path)


def pictures() -> dict[str, Callable[[], Picture]]:
    """Name -> what makes the picture."""
    import on_digits
    import on_the_line
    import on_the_plane

    return {**on_the_line.PICTURES, **on_the_plane.PICTURES, **on_digits.PICTURES}


def main(arguments: list[str] | None = None) -> None:
    """Make one picture."""
    from matplotlib import rc_context

    known = pictures()
    parser = argparse.ArgumentParser(description="Make a picture of the gallery.")
    parser.add_argument("name", choices=["list", *known])
    parser.add_argument("--out", type=Path, metavar="FILE", help="a .png or .svg")
    parser.add_argument("--json", action="store_true", help="print what it measured as JSON")
    given = parser.parse_args(arguments)
    if given.name == "list":
        for name, draw in known.items():
            sys.stdout.write(f"{name:16s}{(draw.__doc__ or '').splitlines()[0]}\n")
        return
    with rc_context(STYLE):
        picture = known[given.name]()
        if given.out is not None:
            write(picture.figure, given.out)
    if given.json:
        sys.stdout.write(json.dumps({"picture": given.name, "figures": picture.figures}, indent=1) + "\n")
        return
    for name, value in picture.figures.items():
        sys.stdout.write(f"{name}: {value:.4g}\n")


if __name__ == "__main__":
    main()
