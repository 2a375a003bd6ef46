"""``zoo edit`` and ``zoo interpolate``: samples made of given ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.progress import Progress
from solvers_zoo.cli.request import MODEL
from solvers_zoo.registry.defaults import ROUND_TRIP, SOLVER

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.cli.given import Given
    from solvers_zoo.score_models.base import ScoreModel

_DATA, _PICTURES = (".npz", ".pt"), (".png", ".svg", ".pdf")

ModelOption = Annotated[
    str,
    typer.Option(
        metavar="SPEC", show_default="ring", autocompletion=common.completes("model"), help="Model, as in zoo sample."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME|FILE",
        help="Samples by name, file or folder.  [dim]\\[default: exact ones, or what a network was trained on][/dim]",
    ),
]
SolverOption = Annotated[
    str, typer.Option(metavar="SPEC", autocompletion=common.completes("solver"), help="Solver, as in zoo sample.")
]
SdeOption = Annotated[
    str | None, typer.Option(metavar="SPEC", autocompletion=common.completes("sde"), help="Forward process.")
]
GridOption = Annotated[
    str | None, typer.Option(metavar="SPEC", autocompletion=common.completes("grid"), help="Grid rule.")
]
StepsOption = Annotated[int | None, typer.Option(help="Number of steps of the whole grid.  [dim]\\[default: 20][/dim]")]
LabelOption = Annotated[int | None, typer.Option(help="Class that the results are to have.")]
OwnOption = Annotated[bool, typer.Option("--own-labels", help="Each sample under its own class.")]
SeedOption = Annotated[int, typer.Option(help="Of the choice of samples and of the noise.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Save what was given and what was made (.npz, .pt) or a picture (.png, .svg, .pdf)."
    ),
]


def edit(
    model: ModelOption = MODEL,
    source: FromOption = None,
    strength: Annotated[float, typer.Option(help="Share of the steps that is undone and taken anew, in (0, 1].")] = 0.5,
    solver: SolverOption = SOLVER,
    steps: StepsOption = None,
    grid: GridOption = None,
    sde: SdeOption = None,
    label: LabelOption = None,
    own_labels: OwnOption = False,
    n: Annotated[int, typer.Option("-n", "--samples", help="Number of samples.")] = 16,
    seed: SeedOption = 0,
    out: OutOption = None,
    plugin: common.PluginOption = None,
    quiet: QuietOption = False,
    json: common.JsonOption = False,
) -> None:
    """Add noise to samples and sample from there (SDEdit).

    [dim]Example:[/dim]

    zoo edit --model digits-net --from digits --strength 0.5 --label 8 --out edited.png
    """
    _check(out, _DATA + _PICTURES, steps=steps, n=n)
    built, found, condition = _begin(model, source, sde, plugin, n, seed, label, own_labels)
    from solvers_zoo.editing.sdedit import edit as edited

    with Progress("editing", not (quiet or json)) as bar:
        done = edited(
            built, found.x, strength, solver, steps=steps, grid=grid, seed=seed, condition=condition, progress=bar
        )
    facts = {
        "model": model.removeprefix(f"{common.OWN}:"),
        "from": found.name,
        "n": n,
        "strength": strength,
        "t_start": done.grid[0],
        "solver": done.solver.removeprefix(f"{common.OWN}:"),
        "nfe": done.nfe,
        "change": float((done.x - found.x).square().mean().sqrt()),
        "out": out,
    }
    if out is not None and out.suffix in _DATA:
        _write(out, {"x": done.x, "given": found.x}, facts)
    elif out is not None:
        from solvers_zoo.charts.samples import draw_figure, view

        shown = view(done.x, found.x, "edited")
        shown = replace(shown, panels=[("given", shown.panels[0][1]), shown.panels[1]])
        draw_figure(
            shown, out, f"SDEdit with {facts['model']}, strength {strength:g}", f"{facts['solver']} · seed {seed}"
        )
    _say(facts, json, f"edited from t = {done.grid[0]:.4g} · changed by {facts['change']:.3g} (rms)")


def interpolate(
    model: ModelOption = MODEL,
    source: FromOption = None,
    pairs: Annotated[int, typer.Option(help="Number of pairs.")] = 4,
    points: Annotated[int, typer.Option(help="Points from one end to the other, both included.")] = 8,
    solver: SolverOption = ROUND_TRIP,
    steps: StepsOption = None,
    grid: GridOption = None,
    sde: SdeOption = None,
    label: LabelOption = None,
    seed: SeedOption = 0,
    out: OutOption = None,
    plugin: common.PluginOption = None,
    quiet: QuietOption = False,
    json: common.JsonOption = False,
) -> None:
    """Go from sample to sample through their latent codes, on a sphere.

    Each row of the picture is a pair.

    [dim]Example:[/dim]

    zoo interpolate --model digits-net --from digits --pairs 6 --out ways.png
    """
    _check(out, (*_DATA, ".png"), steps=steps, pairs=pairs)
    if points < 2:
        raise common.misuse(f"--points {points} is not possible; it takes at least the two ends.")
    built, found, _ = _begin(model, source, sde, plugin, 2 * pairs, seed, label, False)
    if out is not None and out.suffix == ".png" and found.x.dim() < 3:
        raise common.misuse(f"{found.name} holds no images; save the points with --out {out.stem}.npz.")
    from solvers_zoo.editing.interpolate import interpolate as ways

    given: dict[str, Any] = {} if label is None else {"label": label}
    x0, x1 = found.x[0::2], found.x[1::2]
    way = ways(built, x0, x1, solver, weights=points, steps=steps, grid=grid, condition=given)
    facts = {
        "model": model.removeprefix(f"{common.OWN}:"),
        "from": found.name,
        "pairs": pairs,
        "points": points,
        "solver": solver.removeprefix(f"{common.OWN}:"),
        "nfe": way.nfe,
        "round_trip": float(way.round_trip.max()),
        "out": out,
    }
    if out is not None and out.suffix in _DATA:
        _write(out, {"x": way.x, "codes": way.codes}, facts)
    elif out is not None:
        _sheet(out, way.x.transpose(0, 1).flatten(0, 1), points, built)
    _say(facts, json, f"ends come back to {facts['round_trip']:.2g}")


def _check(out: Path | None, endings: tuple[str, ...], **counts: int | None) -> None:
    """What can be refused before torch is imported."""
    common.at_least_one(**counts)
    common.check_out("--out", out, endings)


def _begin(
    model: str,
    source: str | None,
    sde: str | None,
    plugin: list[str] | None,
    n: int,
    seed: int,
    label: int | None,
    own: bool,
) -> tuple[ScoreModel, Given, dict[str, Any]]:
    """The model, the samples, and the condition."""
    common.registry(plugin)
    import torch

    from solvers_zoo.cli.given import given, labelled
    from solvers_zoo.sampling.shards import model_of

    built = model_of(model, sde, tuple(plugin or ()))
    found = given(built, source, n, seed, torch.float32)
    return built, found, labelled(built, found, label, own)


def _write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    from solvers_zoo.sampling.storage import write_archive

    write_archive(path, tensors, common.plain(facts))


def _sheet(path: Path, x: Tensor, columns: int, model: ScoreModel, scale: int = 6) -> None:
    """Pictures in rows, each pixel ``scale`` wide."""
    import io

    import numpy as np
    from matplotlib.image import imsave

    from solvers_zoo.charts.samples import mosaic, view
    from solvers_zoo.storage.files import replace as put

    rows = [
        view(x[i : i + columns], None, "", model) for i in range(0, len(x), columns)
    ]  # a view holds few pictures, a row is fewer
    whole = replace(rows[0], panels=[("", np.concatenate([row.panels[0][1] for row in rows]))])
    sheet = mosaic(whole.panels[0][1], whole, columns)
    buffer = io.BytesIO()
    imsave(buffer, sheet.repeat(scale, 0).repeat(scale, 1), cmap="gray", vmin=0, vmax=1, format="png")
    put(path, lambda file: file.write(buffer.getvalue()))


def _say(facts: dict[str, Any], json: bool, words: str) -> None:
    if json:
        common.print_json(facts)
        return
    common.say(
        f"{facts['solver']} on {facts['model']} · {facts['from']} · {facts['nfe']} network evaluations · {words}"
    )
    if facts["out"] is not None:
        common.say(f"Wrote {facts['out']}.")
