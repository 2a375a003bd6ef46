r"""Measure and draw the picture of the README, in light and dark; a quarter of a minute on one core.

    python docs/readme_picture.py          # writes docs/assets/readme-light.svg and readme-dark.svg

It is what these commands give, with words that fit a first page:

    zoo bench --solvers heun,ddim,er-sde-3,dpmpp-2m,unipc-3,ipndm-4 --models mixture-5 --grid log-snr --metric sliced-w1 \
        --nfe 6,8,10,12,16,20,28,40,60 --samples 10000 --repeats 1
    zoo report --figures figures --format svg
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from solvers_zoo import registry
from solvers_zoo.bench.report.data import arenas
from solvers_zoo.bench.report.figures import chart, point_rows, shown
from solvers_zoo.bench.run import bench
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.sweep import Sweep
from solvers_zoo.charts.save import save

ASSETS = Path(__file__).resolve().parent / "assets"
SWEEP = Sweep(
    solvers=("heun", "ddim", "er-sde-3", "dpmpp-2m", "unipc-3", "ipndm-4"),
    models=("mixture-5",),
    grids=("log-snr",),
    metrics=("sliced-w1",),
    nfe=(6, 8, 10, 12, 16, 20, 28, 40, 60),
    n=10000,
    repeats=1,
)


def draw(sweep: Sweep = SWEEP, folder: Path = ASSETS) -> list[Path]:
    """Run the sweep and write both files."""
    with tempfile.TemporaryDirectory() as store:
        outcome = bench(sweep, Store(store), registry.default().make("executor", "serial"))
    (arena,) = arenas(outcome.records)
    (board,) = arena.boards.values()
    names = shown(board)
    picture = chart(
        "nfe",
        point_rows(board, names),
        "sliced Wasserstein-1 distance to the exact law",
        order=list(names.values()),
        title="How good are samples for how many calls of the model?",
        subtitle=f"five modes in eight dimensions, {sweep.n:,} samples; grey: what exact samples show",
        width=520,
    )
    return [save(picture, folder / f"readme-{scheme}.svg", scheme=scheme) for scheme in ("light", "dark")]


if __name__ == "__main__":
    draw()
