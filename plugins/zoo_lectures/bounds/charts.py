"""Figures of the bounds: KL divergences over step size, dimension, steps, score error and time; errors of likelihoods."""

from __future__ import annotations

import altair as alt

from solvers_zoo.bench.experiment import Rows, where
from solvers_zoo.charts import lines, long
from zoo_lectures.bounds.numbers import NARROW, ONE_POINT, THREE, UNIT

Lines = alt.LayerChart | alt.FacetChart

_PATHS = {"bound": "bound, constant 1", "path_kl": "KL of paths (Girsanov)"}
_LAWS = {"flow": "probability flow", "bound": "bound", "sde": "reverse SDE"}


def path_kl(rows: Rows) -> Lines:
    """Bound, path KL and marginal KL over kappa, a panel for each target."""
    shown = where(rows, error=0.0)
    return lines(
        long(shown, _PATHS | {"marginal_kl": "KL of marginals"}, "KL", "kappa", "target"),
        "kappa",
        "KL",
        "what",
        panel="target",
        panels=(ONE_POINT, NARROW, THREE),
        columns=3,
        width=240,
        height=270,
        x_title="step size κ",
        y_title="KL divergence (nats)",
        title="The bound is of the right shape for paths; samples do better",
        subtitle="DDPM's exponential integrator, exact score, T = 8, τ = 0.001",
    )


def dimension(rows: Rows) -> Lines:
    """Path KL over the dimension."""
    return lines(
        long([row for row in rows if "samples" in row], _PATHS, "KL", "d"),
        "d",
        "KL",
        "what",
        x_title="dimension d",
        y_title="KL divergence (nats)",
        title="The path KL is linear in the dimension",
        subtitle="five modes whitened to unit covariance, κ = 0.1, exact score",
    )


def kappa(rows: Rows) -> Lines:
    """KL over the number of steps, a line for each grid."""
    return lines(
        rows,
        "steps",
        "kl",
        "grid",
        panel="target",
        panels=(ONE_POINT, NARROW),
        width=300,
        height=300,
        x_title="steps",
        y_title="KL divergence (nats)",
        title="Steps in proportion to the time that is left",
        subtitle="DDPM's exponential integrator on N(0, s²), exact; Ornstein-Uhlenbeck from T = 8 to τ = 0.001",
    )


def steps(rows: Rows) -> Lines:
    """Length of every step over the time that is left after it, at 143 steps."""
    return lines(
        rows,
        "left",
        "step",
        "grid",
        points=False,
        width=480,
        x_title="time left, u",
        y_title="length of the step",
        title="What each grid does with 143 steps",
        subtitle="the rule: at most κ min(1, u), with κ = 0.1",
    )


def order(rows: Rows) -> Lines:
    """Error of the likelihood over steps, for each solver."""
    return lines(
        [row for row in rows if row["steps"]],
        "steps",
        "error",
        "solver",
        x_title="steps from data to noise",
        y_title="largest error (bits a dimension)",
        title="Likelihoods converge at the solver's order",
        subtitle="2-D mixture under VE, the flow and its divergence as one system",
    )


def score_error(rows: Rows, T: float) -> Lines:
    """KL over the size of a constant error, a panel for each Gaussian."""
    shown = [row for row in where(rows, T=T) if row["target"] != THREE]
    return lines(
        long(shown, _LAWS, "KL", "size", "target"),
        "size",
        "KL",
        "what",
        panel="target",
        panels=(UNIT, NARROW),
        width=300,
        height=300,
        x_title="constant error c of the score",
        y_title="KL(data ‖ samples) in nats",
        title="Half the weighted score error bounds the SDE, not the flow",
        subtitle=f"Ornstein-Uhlenbeck from T = {T:g}; laws of the solvers' results, exact",
    )


def end_time(rows: Rows) -> Lines:
    """KL over the end time, for one constant error."""
    return lines(
        long(where(rows, target=UNIT, size=0.05), _LAWS, "KL", "T"),
        "T",
        "KL",
        "what",
        x_title="end T of the process",
        y_title="KL(data ‖ samples) in nats",
        title="A longer process lets the flow drift away",
        subtitle="N(0, 1), constant error 0.05 of the score",
    )
