"""The two figures of a solver's page: how its error falls with its steps, and where it stands among the others."""

from __future__ import annotations

import functools
import math
from typing import Any

import facts
from drawing import Chart, figure

#: Distances of samples that are drawn.
LAW_RANGE = (0.012, 4.0)


def convergence(card: Any) -> str:
    """Error over steps beside a line of the claimed order; of a chain the distance of its samples."""
    name, drawings, words = card.name, [], []
    card = facts.configured(name)
    flow, law = facts.curve(name, "flow"), facts.curve(name, "law")
    if len(flow) > 1:
        tolerant = card.adaptive and name != "ideal"
        chart = Chart("evaluations" if tolerant else "steps", "distance from the exact flow", log="xy")
        if card.order and not card.adaptive:
            chart.guide(_slope(flow, card.order))
        chart.line(flow)
        drawings.append(chart.svg(f"Error of {name} on the probability flow over {chart.x_title}"))
        words.append(
            "Root mean square distance from the exact probability flow of a 2-D mixture, σ from 2 to 0.05"
            + (
                ", at tolerances from 100 times its own down."
                if tolerant
                else f"; dashed: order {card.order:g}."
                if card.order
                else "."
            )
        )
    if len(law) > 1 and card.stochastic:
        chart = Chart("steps", "error of the law", log="xy")
        if card.weak_order:
            chart.guide(_slope(law, card.weak_order))
        chart.line(law, colour=3)
        drawings.append(chart.svg(f"Error of the law of {name} over steps"))
        words.append(
            "Error of mean and variance on N(1.3, 0.25), σ from 10 to 0.02, worked out without sampling from the response to each draw"
            + (f"; dashed: weak order {card.weak_order:g}." if card.weak_order else ".")
        )
    if not drawings and not facts.curve(card.name, "samples"):
        return f"Not measured yet: `python docs/figures.py {card.name}` does it."
    if not drawings:
        drawings.append(_samples_chart(card, 4))
        words.append(
            "It claims no order, so what is shown is the sliced Wasserstein distance of 4,000 samples over evaluations; the band is what "
            "exact samples show."
        )
    return figure(drawings, " ".join(words))


def place(card: Any) -> str:
    """Error over evaluations, all others behind."""
    drawings, words = [], []
    if work := facts.curve(card.name, "work"):
        right = max(66.0, 1.1 * work[-1][0])
        chart = Chart("evaluations", "distance from the exact flow", log="xy", limits=(4.0, right, 1e-6, 10.0))
        for line in _others("work", right):
            chart.quiet(line)
        chart.line(work)
        best = [(n, facts.field_at("work", n)[0][0]) for n in (5, 6, 8, 10, 12, 16, 20, 28, 40, 60)]
        chart.guide(best)
        drawings.append(chart.svg(f"Error of {card.name} over evaluations, among all deterministic solvers"))
        words.append(
            "Distance from the exact flow of a 2-D mixture, σ from 80 to 0.002 on the log-SNR grid; dashed: the best at each budget."
        )
    if facts.curve(card.name, "samples"):
        drawings.append(_samples_chart(card, 1))
        words.append(
            f"{'On the right the s' if work else 'S'}liced Wasserstein distance of 4,000 samples of {'that' if work else 'a 2-D'} mixture, σ from 80 to "
            "0.002; the band is what exact samples show."
        )
    return figure(drawings, " ".join([*words, "Grey: all other solvers."])) if drawings else _nothing()


def standing(card: Any) -> str:
    """Its rank at 10 and 20 evaluations, in words."""
    card = facts.configured(card.name)
    which = "samples" if card.stochastic else "work"
    said = []
    for nfe in (10, 20):
        field = [(e, n) for e, n in facts.field_at(which, nfe) if _stochastic(n) == card.stochastic]
        own = next((error for error, name in field if name == card.name), None)
        if own is None:
            continue
        rank = 1 + sum(error < own * (1 - 1e-9) for error, _ in field)
        best = f"the best, `{field[0][1]}`, shows {facts.figure(field[0][0])}" if rank > 1 else "the best of all"
        said.append(f"at {nfe} evaluations number {rank} of {len(field)} with {facts.figure(own)} ({best})")
    kind = (
        "stochastic solvers by the distance of samples"
        if card.stochastic
        else "deterministic solvers by the distance from the exact flow"
    )
    return f"Among {kind} it is, on the mixture below, {'; '.join(said)}." if said else ""


@functools.cache
def _stochastic(name: str) -> bool:
    return bool(facts.configured(name).stochastic)


@functools.cache
def _others(which: str, right: float) -> list[list[tuple[float, float]]]:
    """The curves of all solvers, up to ``right`` evaluations; equal ones once."""
    low, high = (1e-6, 10.0) if which == "work" else LAW_RANGE
    curves = (
        [(x, y) for x, y in facts.curve(name, which) if low < y < high and 4 <= x <= right]
        for name in facts.curves()["solvers"]
    )
    return list({repr(points): points for points in curves if len(points) > 1}.values())


def _samples_chart(card: Any, colour: int) -> str:
    points = facts.curve(card.name, "samples")
    right = max(88.0, 1.1 * points[-1][0])
    chart = Chart("evaluations", "sliced Wasserstein distance", log="xy", limits=(8.0, right, *LAW_RANGE))
    low, high = facts.curves()["floor"]
    chart.band([(8.0, low), (right, low)], [(8.0, high), (right, high)])
    for line in _others("samples", right) if colour == 1 else []:
        chart.quiet(line)
    chart.line(points, colour=colour)
    return chart.svg(f"Distance of samples of {card.name} over evaluations")


def _slope(points: list[tuple[float, float]], order: float) -> list[tuple[float, float]]:
    """A line of the claimed order through the last point that is not rounding."""
    good = [(x, y) for x, y in points if y > 1e-12] or points
    x1, y1 = good[-1]
    x0 = points[0][0]
    return [(x0, min(y1 * (x1 / x0) ** order, 1e3 * max(y for _, y in points))), (x1, y1)] if math.isfinite(y1) else []


def _nothing() -> str:
    return "Nothing was measured here: an implicit method costs as many evaluations as its equations need."
