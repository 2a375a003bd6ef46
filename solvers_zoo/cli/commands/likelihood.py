"""``zoo likelihood``: how likely a model finds data, and how sure that is."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.cli.progress import Progress
from solvers_zoo.cli.request import MODEL, Dtype
from solvers_zoo.registry.defaults import DENSITY

if TYPE_CHECKING:
    from solvers_zoo.cli.given import Given
    from solvers_zoo.likelihood.density import Likelihood
    from solvers_zoo.score_models.base import ScoreModel

#: Coordinates up to which the exact trace is the default; it costs one pass through the model for each.
_EXACT = 16
#: Samples of a network at once, so that the bar moves.
_CHUNK = 25


class Trace(StrEnum):
    """How the divergence is taken."""

    exact = "exact"
    hutchinson = "hutchinson"


def likelihood(
    model: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            show_default="ring",
            autocompletion=common.completes("model"),
            help="Model, as in zoo sample.",
        ),
    ] = MODEL,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Data by name, file or folder.  [dim]\\[default: exact samples, or what a network was trained on][/dim]",
        ),
    ] = None,
    solver: Annotated[
        str, typer.Option(metavar="SPEC", autocompletion=common.completes("solver"), help="Deterministic solver.")
    ] = DENSITY,
    steps: Annotated[int | None, typer.Option(help="Number of steps.  [dim]\\[default: 20][/dim]")] = None,
    grid: Annotated[
        str | None, typer.Option(metavar="SPEC", autocompletion=common.completes("grid"), help="Grid rule.")
    ] = None,
    sde: Annotated[
        str | None, typer.Option(metavar="SPEC", autocompletion=common.completes("sde"), help="Forward process.")
    ] = None,
    trace: Annotated[
        Trace | None, typer.Option(help=f"Of the divergence.  [dim]\\[default: exact up to {_EXACT} coordinates][/dim]")
    ] = None,
    probes: Annotated[int, typer.Option(help="Of Hutchinson's estimate, a sample.")] = 4,
    bits: Annotated[
        bool, typer.Option("--bits", help="Bits a dimension of data on levels, by dequantisation.")
    ] = False,
    levels: Annotated[
        int | None, typer.Option(help="Of the data, from -1 to 1.  [dim]\\[default: those the data show][/dim]")
    ] = None,
    bound: Annotated[bool, typer.Option("--bound", help="The variational bound as well.")] = False,
    draws: Annotated[int, typer.Option(help="Times and noises a sample, of the bound.")] = 32,
    label: Annotated[int | None, typer.Option(help="Class of all samples.")] = None,
    own_labels: Annotated[bool, typer.Option("--own-labels", help="Each sample under its own class.")] = False,
    n: Annotated[int, typer.Option("-n", "--samples", help="Number of samples.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the choice of samples and of all noise.")] = 0,
    dtype: Annotated[Dtype | None, typer.Option(help="[dim]\\[default: float64; float32 for networks][/dim]")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the figures of every sample (.npz, .pt).")
    ] = None,
    plugin: common.PluginOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Say how likely a model finds data: log p in nats, bits a dimension, and the errors of both.

    [dim]Examples:[/dim]

    zoo likelihood --model ring --steps 60

    zoo likelihood --model digits-net --bits --bound -n 50

    zoo likelihood --model ring --data samples.npz --solver adaptive-dopri5 --json
    """
    common.at_least_one(steps=steps, n=n, probes=probes, draws=draws)
    if levels is not None and not bits:
        raise common.misuse("--levels is for --bits.")
    common.check_out("--out", out, (".npz", ".pt"))
    common.registry(plugin)
    import torch

    from solvers_zoo.cli.given import given, labelled
    from solvers_zoo.sampling.shards import model_of

    built = model_of(model, sde, tuple(plugin or ()))
    number = getattr(torch, dtype or ("float32" if built.analytic is None else "float64"))
    found = given(built, data, n, seed, number)
    condition = labelled(built, found, label, own_labels)
    way: dict[str, Any] = {
        "solver": solver,
        "steps": steps,
        "grid": grid,
        "probes": probes,
        "trace": str(trace or ("exact" if math.prod(found.x.shape[1:]) <= _EXACT else "hutchinson")),
    }
    shared: dict[str, Any] = {
        "seed": seed,
        "condition": condition,
        "chunk": None if built.analytic is not None else _CHUNK,
    }
    if bits:
        levels = _levels(found, levels)
    with Progress("likelihood", not (quiet or json), unit="samples") as bar:
        facts, columns = _measured(built, found, levels, way, {**shared, "progress": bar})
    if bound:
        with Progress("bound", not (quiet or json), unit="samples") as bar:
            more, others = _bounded(built, found, levels, draws, {**shared, "progress": bar})
        facts, columns = facts | more, columns | others
    facts = {"model": model.removeprefix(f"{common.OWN}:"), "data": found.name, "n": n, **way, **facts}
    if out is not None:
        from solvers_zoo.sampling.storage import write_archive

        write_archive(out, columns, facts | {"seed": seed})
        facts["out"] = str(out)
    if json:
        common.print_json(facts)
    else:
        _print(facts)


def _levels(found: Given, levels: int | None) -> int:
    """Levels of the data, of all of them rather than of the few that are looked at."""
    from solvers_zoo.likelihood.bits import levels_of

    if levels is not None:
        return levels
    whole = found.x if found.data is None else found.data.x
    seen = levels_of(whole)
    if seen is None:
        raise common.misuse(f"{found.name} is not on evenly spaced levels from -1 to 1: leave --bits out.")
    return seen


def _measured(
    model: ScoreModel, found: Given, levels: int | None, way: dict[str, Any], more: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Along the flow: figures of all, and columns of every sample."""
    from solvers_zoo.likelihood.bits import bits_per_dim
    from solvers_zoo.likelihood.density import log_likelihood, mean_and_error

    if levels is None:
        x = _at_start(model, found, more["seed"])
        one = log_likelihood(model, x, **way, **more)
        law = None if more["condition"] else model.analytic
        exact = None if law is None else law.log_density(x, law.sde.at(law.sde.t_min))
        each = one.bits
    else:
        dequantised = bits_per_dim(model, found.x, levels=levels, **way, **more)
        (one,), exact, each = dequantised.likelihoods, None, dequantised.bits
    facts: dict[str, Any] = {"dim": one.dim, "nfe": one.nfe, "levels": levels, **_errors(one)}
    facts["log_p"], facts["log_p_error"] = one.mean
    facts["bits"], facts["bits_error"] = mean_and_error(each)
    columns = {
        "x": found.x,
        "log_p": one.log_p,
        "trace_error": one.trace_error,
        "time_error": one.time_error,
        "bits": each,
    }
    if exact is not None:
        facts["exact"], facts["largest_difference"] = float(exact.mean()), float((one.log_p - exact).abs().max())
        columns["exact"] = exact
    return facts, columns


def _errors(one: Likelihood) -> dict[str, float]:
    """Typical errors of a sample, and that of the mean by the trace's probes, in nats."""
    rms = float(one.trace_error.square().mean().sqrt())
    return {
        "trace_error": rms,
        "trace_error_of_mean": rms / math.sqrt(len(one.log_p)),
        "time_error": float(one.time_error.mean()),
    }


def _at_start(model: ScoreModel, found: Given, seed: int) -> Any:
    """Samples at t_min: drawn ones get its noise, which makes them samples of the law whose density is taken."""
    if found.data is not None:
        return found.x
    from solvers_zoo.noise.seeded import SeededNoise
    from solvers_zoo.numerics.combine import combine

    sde = model.sde.as_gaussian()
    point = sde.at(sde.t_min)
    noise = SeededNoise(seed, range(len(found.x)), found.x.shape[1:], found.x.dtype)
    return combine((point.alpha, found.x), (point.sigma, noise.start().fresh()))


def _bounded(
    model: ScoreModel, found: Given, levels: int | None, draws: int, more: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The variational bound."""
    from solvers_zoo.likelihood.bound import variational_bound

    most = variational_bound(model, found.x, draws=draws, levels=levels or 0, **more)
    mean, error = most.mean
    per_bit = most.dim * math.log(2)
    facts = {
        "bound": mean,
        "bound_error": error,
        "bound_bits": mean / per_bit,
        "bound_bits_error": error / per_bit,
        "bound_draws": draws,
    }
    return facts, {"bound": most.nats, "bound_draws_error": most.error}


def _print(facts: dict[str, Any]) -> None:
    """Say all of it on stdout."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = common.stdout()
    way = f"  {facts['data']} · {facts['n']:,} samples · {facts['nfe']} network evaluations a sample"
    console.print(
        Text.assemble(
            ("likelihood", "bold cyan"),
            " of ",
            (facts["model"], "bold cyan"),
            " by ",
            (facts["solver"], "bold cyan"),
            (way, "dim"),
        ),
        soft_wrap=True,
    )
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="green", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row("log p", Text(f"{_with(facts['log_p'], facts['log_p_error'])} nats, mean and standard error"))
    if facts["trace"] == "hutchinson":
        words = f"{facts['trace_error']:.2g} nats a sample, {facts['trace_error_of_mean']:.2g} of the mean"
        one = "not known with one probe; take two or more"
        rows.add_row("by the trace", Text(one if math.isnan(facts["trace_error"]) else words))
    rows.add_row("by the steps", Text(f"about {facts['time_error']:.2g} nats a sample"))
    if "exact" in facts:
        rows.add_row("exact", Text(f"{facts['exact']:.6g}; largest difference {facts['largest_difference']:.2g}"))
    words = "" if facts["levels"] is None else f", at most, on {facts['levels']} levels"
    rows.add_row("bits a dimension", Text(f"{_with(facts['bits'], facts['bits_error'])}{words}"))
    if "bound" in facts:
        name = "-log p at most" if facts["levels"] is None else "-log P at most"
        rows.add_row(name, Text(f"{_with(facts['bound'], facts['bound_error'])} nats, of the reverse SDE"))
        rows.add_row(
            "bits at most", Text(f"{_with(facts['bound_bits'], facts['bound_bits_error'])}, of the reverse SDE")
        )
    if "out" in facts:
        rows.add_row("saved", Text(facts["out"]))
    console.print(Padding(rows, (0, 2), expand=False))


def _with(value: float, error: float) -> str:
    return f"{value:.5g}" if math.isnan(error) else f"{value:.5g} ± {error:.2g}"
