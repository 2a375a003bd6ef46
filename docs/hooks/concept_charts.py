"""The figures of the pages on concepts and on the choice of a solver: ``<!-- figure: NAME -->`` on a page asks for one.

Their numbers are measured by ``python docs/figures.py``; here they are only drawn.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from typing import Any

import facts
from drawing import Chart, figure

FIGURES: dict[str, Callable[[], str]] = {}


@functools.cache
def data() -> dict[str, Any]:
    """``docs/data/concepts.json``."""
    found: dict[str, Any] = json.loads((facts.DATA / "concepts.json").read_text())
    return found


def draw(name: str) -> str:
    """A figure as HTML, in lines of its own.

    Raises:
        KeyError: no such figure.

    """
    return f"\n\n{FIGURES[name]()}\n\n"


def _named(maker: Callable[[], str]) -> Callable[[], str]:
    FIGURES[maker.__name__.removeprefix("_").replace("_", "-")] = maker
    return maker


@_named
def _forward() -> str:
    found = data()["forward"]
    times = found["times"]
    chart = Chart("t", "x", width=640)
    low, quarter, middle, upper, high = ([*zip(times, line, strict=True)] for line in found["quantiles"])
    chart.band(low, high, strength=0.09)
    chart.band(quarter, upper, strength=0.13)
    chart.guide(middle)
    for i, path in enumerate(found["paths"]):
        chart.line([*zip(times, path, strict=True)], colour=i + 1, marks=False)
    return figure(
        [chart.svg("Paths of the Ornstein-Uhlenbeck process from three modes to noise")],
        "Three modes on the line become noise. Bands: the middle 50 and 90 % of the exact law; lines: five paths of dX = −X dt + √2 dW.",
    )


@_named
def _score() -> str:
    drawings = []
    for panel in data()["score"]:
        chart = Chart(width=245, height=255, limits=(-2.8, 2.8, -2.8, 2.8), axes=False)
        for (x, y), (u, v) in zip(panel["x"], panel["arrow"], strict=True):
            size = 0.34 / max(1.0, math.hypot(u, v))
            if math.hypot(u, v) * size > 0.03:
                chart.arrow((x, y), (x + size * u, y + size * v))
        chart.marks([(-1.0, 0.5), (1.2, -0.4)], colour=2, size=4)
        chart.word((-2.7, 2.55), f"σ = {panel['sigma']:g}", style="")
        drawings.append(chart.svg(f"The score of a mixture at sigma = {panel['sigma']:g}", "third"))
    return figure(
        drawings,
        "σ times the score of a mixture of two Gaussians (means in orange), at three levels of noise; arrows longer than 1 are cut. With much "
        "noise all point to the mean of the data, with little each point to the nearest mode.",
    )


@_named
def _flow() -> str:
    found, drawings = data()["flow"], []
    for key, title in (("flow", "probability flow"), ("sde", "reverse SDE")):
        chart = Chart("t (sampling runs to the left)", f"x, {title}", limits=(0.0, 3.0, None, None))
        for i, path in enumerate(found[key]):
            chart.line([*zip(found["times"], path, strict=True)], colour=1 + i % 8, marks=False)
        drawings.append(chart.svg(f"Thirteen paths of the {title}"))
    return figure(
        drawings,
        "The same thirteen starts at t = 3, carried to the same three modes by the probability flow (`rk4`) and by the reverse SDE "
        "(`exponential-sde`). The flow's paths never cross, so quantiles stay quantiles; the SDE's do.".replace(
            "`", ""
        ),
    )


@_named
def _path() -> str:
    found = data()["path"]
    chart = Chart("x₁", "x₂")
    chart.line(found["exact"], colour=8, label="exact flow", marks=False)
    for colour, name in enumerate(("ddim", "heun", "dpmpp-2m"), 1):
        chart.line(found[name], colour=colour, label=name)
    return figure(
        [chart.svg("One path of the flow and five steps of three solvers"), _orders()],
        "Left: one start of a 2-D mixture, its exact path, and five steps of three solvers. Right: distance from the exact flow over steps, and "
        "lines of order 1, 2 and 4.",
    )


def _orders() -> str:
    chart = Chart("steps", "distance from the exact flow", log="xy")
    for colour, name in enumerate(("ddim", "heun", "dpmpp-2m", "rk4"), 1):
        points = facts.curve(name, "flow")
        chart.line(points, colour=colour, label=name)
        if name != "dpmpp-2m":
            order = {"ddim": 1, "heun": 2, "rk4": 4}[name]
            x, y = points[-1]
            chart.guide([(points[0][0], y * (x / points[0][0]) ** order), (x, y)])
    return chart.svg("Errors of four solvers over steps, with their orders")


@_named
def _grids() -> str:
    found = data()["grids"]
    chart = Chart(
        "σ/α (sampling runs to the left)",
        "",
        log="x",
        width=680,
        height=60 + 26 * len(found),
        limits=(1e-4, 100.0, 0.0, len(found) + 0.5),
    )
    chart.levels = False
    rows = sorted(found.items(), key=lambda item: -sorted(item[1])[5])
    for i, (name, levels) in enumerate(rows, 1):
        chart.line([(level, float(i)) for level in levels], colour=1 + (i - 1) % 6)
        chart.word((1.3e-4, i - 0.32), name, style="")
    return figure(
        [
            chart.svg("Where eleven rules put eleven levels between 80 and 0.002").replace(
                "zoo-chart ", "zoo-chart strips "
            )
        ],
        "Where each rule puts the eleven levels of ten steps on EDM, σ from 80 to 0.002. Rules in t leave the data's own scale (about 0.5) to a step or two.",
    )


@_named
def _budget() -> str:
    chart = Chart("evaluations", "distance from the exact flow", log="xy", width=640, limits=(None, None, 1e-5, 10.0))
    names = ("ddim", "heun", "dpmpp-2m", "ipndm-3", "ipndm-4", "unipc-3", "exp-adams-4", "dormand-prince")
    for colour, name in enumerate(names, 1):
        chart.line(facts.curve(name, "work"), colour=colour, label=name)
    return figure(
        [chart.svg("Errors of eight solvers over evaluations")],
        "Distance from the exact probability flow of a 2-D mixture on EDM, σ from 80 to 0.002, log-SNR grid, defaults. The order of these errors at "
        "ten evaluations is nearly that of the FIDs on CIFAR-10 (Spearman .93).",
    )


@_named
def _best() -> str:
    rows = []
    for nfe in (5, 6, 8, 10, 12, 16, 20, 28, 40, 60):
        field = [(e, n) for e, n in facts.field_at("work", nfe) if not _adaptive(n)][:3]
        cells = " | ".join(f"[`{n}`](reference/solvers/{n}.md) {facts.figure(e)}" for e, n in field)
        rows.append(f"| {nfe} | {cells} |")
    return "\n".join(["| evaluations | best | second | third |", "|---|---|---|---|", *rows])


def _adaptive(name: str) -> bool:
    return any(e.card.name == name and (e.card.adaptive or not e.card.evaluations) for e in facts.entries("solver"))


@_named
def _noise() -> str:
    drawings = []
    for key, title in (("exact", "exact score"), ("wrong", "score off by 0.3")):
        chart = Chart("evaluations", f"sliced Wasserstein distance, {title}", log="xy", limits=(None, None, 0.012, 1.5))
        low, high = facts.curves()["floor"]
        chart.band([(8, low), (160, low)], [(160, high), (8, high)][::-1])
        for colour, (name, points) in enumerate(data()["score_error"][key].items(), 1):
            chart.line([(x, y) for x, y in points], colour=colour, label=name, dash=0 if colour < 4 else 1)
        drawings.append(chart.svg(f"Distance of samples over evaluations, {title}"))
    return figure(
        drawings,
        "4,000 samples of a 2-D mixture on the VP process. Solid: deterministic, dashed: stochastic. Left the exact score: the band is what exact "
        "samples show. Right a score that is off by 0.3 everywhere, as a trained one is off somewhere.",
    )


@_named
def _guidance() -> str:
    drawings = []
    for scale, curves in data()["guidance"].items():
        chart = Chart(
            "steps", f"distance, guidance {scale}", log="xy", width=300, height=270, limits=(None, None, 1e-4, 30.0)
        )
        for colour, (name, points) in enumerate(curves.items(), 1):
            chart.line([(x, y) for x, y in points], colour=colour, label=name)
        drawings.append(chart.svg(f"Distance from the guided flow over steps, guidance {scale}", "third"))
    return figure(
        drawings,
        "Distance from the exact guided flow, four modes of which one class has two, classifier-free guidance of strength 1, 3 and 8, EDM, log-SNR grid. "
        "A guided call costs two evaluations; the axis counts calls.",
    )


@_named
def _likelihood() -> str:
    chart = Chart("evaluations, each with a derivative", "error of log p (nats)", log="xy", width=640)
    for colour, (name, points) in enumerate(data()["likelihood"].items(), 1):
        chart.line([(x, y) for x, y in points], colour=colour, label=name)
    return figure(
        [chart.svg("Error of the likelihood over evaluations")],
        "Root mean square error of log p(x) at 64 samples of a 2-D mixture, by the change of volume of each solver's own map, against the exact density.",
    )
