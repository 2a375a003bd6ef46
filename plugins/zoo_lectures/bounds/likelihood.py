r"""Exact likelihoods by the probability flow: the instantaneous change of variables, and Hutchinson's estimate of its trace.

Along dx/dt = v(x, t) the logarithm of the density changes by -div v, so

    log p_0(x_0) = log p_T(x_T) + int div v(x_t, t) dt.

State and logarithm are one flow in d + 1 coordinates, which any solver of the zoo integrates from data to noise. On mixtures the
answer is known. With a probe e of random signs e' (dv/dx) e has the mean div v: its estimate of the likelihood is unbiased.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import (
    Check,
    Checks,
    Experiment,
    Findings,
    Progress,
    Row,
    Rows,
    column,
    only,
    silent,
    slope,
    track,
    where,
)
from zoo_lectures.bounds.numbers import FLOWS

if TYPE_CHECKING:
    from torch import Tensor

TARGETS = ("mixture-2d", "mixture-5(dim=4)", "ring")
STEPS = (16, 32, 64)
PROBES = 100
HEUN, SOLVER = "heun(variable=t)", "rk4(variable=t)"


class Likelihood(Experiment):
    """Bits a dimension by the augmented flow against the exact ones, over solvers and steps; and Hutchinson's estimator."""

    card = zoo.StudyCard(
        name="likelihood",
        title="Likelihood by the probability flow",
        claim="The flow's likelihood is the exact one to 1e-4 bits a dimension, converges at the solver's order, and Hutchinson's "
        "estimate of it is unbiased.",
        source=FLOWS(where="Section 4.3, Appendix D.2"),
        seconds=6,
        quick_seconds=5,
    )
    tolerance: float = zoo.option(1e-6, help="relative and absolute tolerance of the adaptive solver", above=0.0)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Three targets with an adaptive solver, then orders on the 2-D mixture, then the estimator."""
        from zoo_lectures.bounds import charts

        n = 16 if quick else 128
        adaptive = f"adaptive-dopri5(variable=t, clock=t, rtol={self.tolerance:g}, atol={self.tolerance:g})"
        jobs: list[tuple[str, str, int | None]] = [(name, adaptive, None) for name in TARGETS[: 2 if quick else 3]]
        jobs += [("mixture-2d", solver, steps) for solver in (HEUN, SOLVER) for steps in STEPS]
        rows: list[Row] = []
        for name, solver, steps in track(jobs, progress):
            exact, found = bits(name, solver, steps, n)
            facts = {"target": name, "solver": solver, "steps": steps, "bits": float(found.mean())}
            rows.append(facts | {"error": float((found - exact).abs().max()), "n": n})
        return self.judge([*rows, probed(8 if quick else 32)], {"order": lambda: charts.order(rows)})

    def checks(self, rows: Rows) -> Checks:
        """Errors at the tolerance, orders, and the mean of the probes against the exact trace."""
        for row in where(rows, steps=None):
            yield Check(
                f"bits a dimension, {row['target']}",
                f"largest error on {row['target']}, in bits a dimension",
                row["error"],
                high=1e-4,
            )
        for solver, order in ((HEUN, 2), (SOLVER, 4)):
            found = slope([1 / steps for steps in STEPS], column(rows, "error", solver=solver))
            yield Check(
                f"order, {solver}", f"the error falls at the solver's order {order}", found, order - 0.4, order + 0.6
            )
        row = only(rows, probes=PROBES)
        yield Check("Hutchinson", f"the mean of {PROBES} probes is the likelihood: z", row["z"], -4.0, 4.0)
        yield Check("probes differ", "one probe is off, in bits a dimension (sd)", row["spread"], low=1e-4)


def problem(name: str) -> zoo.AnalyticModel:
    """The target under VE from 0.05 to 20, where t is the logarithm of sigma."""
    return zoo.model(name, sde=zoo.VE(sigma_min=0.05, sigma_max=20.0))


def exact_samples(model: zoo.AnalyticModel, n: int) -> Tensor:
    """``n`` samples of the law at t_min, (n, d) in float64."""
    import torch

    draws = zoo.SeededNoise(0, range(n), model.shape or (), torch.float64).data()
    return model.draw(model.sde.at(model.sde.t_min), draws)


def bits(name: str, solver: str, steps: int | None, n: int) -> tuple[Tensor, Tensor]:
    """-log2 p / d of n exact samples: in closed form, and by the flow and its divergence as one system."""
    model = problem(name)
    x = exact_samples(model, n)
    exact = model.log_density(x, model.sde.at(model.sde.t_min))
    found = zoo.log_likelihood(model, x, solver, steps=steps, grid="log-snr", method="flow", time_error=False)
    return -exact / (x.shape[1] * math.log(2)), found.bits


def probed(n: int) -> Row:
    """Hutchinson's estimate of n likelihoods beside the full trace: z of its mean, and the spread of one probe in bits a dimension."""
    model = problem("mixture-5(dim=4)")
    way: dict[str, Any] = {"solver": SOLVER, "steps": 32, "grid": "log-snr", "method": "flow", "time_error": False}
    x = exact_samples(model, n)
    full = zoo.log_likelihood(model, x, **way)
    guess = zoo.log_likelihood(model, x, trace="hutchinson", probes=PROBES, seed=1, **way)
    gaps, errors = guess.bits - full.bits, guess.trace_error / (guess.dim * math.log(2))
    return {
        "target": "mixture-5(dim=4)",
        "probes": PROBES,
        "z": float(gaps.sum() / errors.square().sum().sqrt()),
        "spread": math.sqrt(PROBES) * float(errors.square().mean().sqrt()),
        "n": n,
    }
