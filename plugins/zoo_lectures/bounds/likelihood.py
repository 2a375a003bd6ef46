r"""Exact likelihoods by the probability flow: the instantaneous change of variables, and Hutchinson's estimate of its trace.

Along dx/dt = v(x, t) the logarithm of the density changes by -div v, so

    log p_0(x_0) = log p_T(x_T) + int div v(x_t, t) dt.

State and logarithm are one flow in d + 1 coordinates, which any solver of the zoo integrates from data to noise. On mixtures the
answer is known. With a probe e of random signs e' (dv/dx) e has the mean div v: its estimate of the likelihood is unbiased.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, column, silent, slope, track
from solvers_zoo.registry.card import Source, StudyCard
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

TARGETS = ("mixture-2d", "mixture-5(dim=4)", "ring")
STEPS = (16, 32, 64)
PROBES = 100
SOLVER = "rk4(variable=t)"


class Likelihood(Experiment):
    """Bits a dimension by the augmented flow against the exact ones, over solvers and steps; and Hutchinson's estimator."""

    card = StudyCard(
        name="likelihood",
        title="Likelihood by the probability flow",
        claim="The flow's likelihood is the exact one to 1e-4 bits a dimension, converges at the solver's order, and Hutchinson's "
        "estimate of it is unbiased.",
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="Section 4.3, Appendix D.2",
        ),
        seconds=6,
        quick_seconds=5,
    )
    tolerance: float = option(1e-6, help="relative and absolute tolerance of the adaptive solver", above=0.0)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Three targets with an adaptive solver, then orders on the 2-D mixture, then the estimator."""
        n = 16 if quick else 128
        targets = TARGETS[:2] if quick else TARGETS
        adaptive = f"adaptive-dopri5(variable=t, clock=t, rtol={self.tolerance:g}, atol={self.tolerance:g})"
        jobs: list[tuple[str, str, int | None]] = [(name, adaptive, None) for name in targets]
        jobs += [("mixture-2d", solver, steps) for solver in ("heun(variable=t)", SOLVER) for steps in STEPS]
        rows: list[Row] = []
        for name, solver, steps in track(jobs, progress):
            exact, found = bits(name, solver, steps, n)
            error = float((found - exact).abs().max())
            rows.append(
                {"target": name, "solver": solver, "steps": steps, "bits": float(found.mean()), "error": error, "n": n}
            )
        return Findings(rows, self.checks(rows, *probed(8 if quick else 32)), {"order": lambda: order_chart(rows)})

    def checks(self, rows: list[Row], gaps: Tensor, scatter: Tensor) -> list[Check]:
        """Errors at the tolerance, orders, and the mean of the probes: their gaps to the exact trace and their standard errors."""
        checks = [
            Check(
                f"bits a dimension, {row['target']}",
                f"largest error on {row['target']}, in bits a dimension",
                row["error"],
                high=1e-4,
            )
            for row in rows
            if row["steps"] is None
        ]
        for solver, order in (("heun(variable=t)", 2), (SOLVER, 4)):
            errors = column(rows, "error", solver=solver)
            found = slope([1 / steps for steps in STEPS], errors)
            checks.append(
                Check(
                    f"order, {solver}",
                    f"the error falls at the solver's order {order}",
                    found,
                    order - 0.4,
                    order + 0.6,
                )
            )
        z = float(gaps.sum() / scatter.square().sum().sqrt())
        one = math.sqrt(PROBES) * float(scatter.square().mean().sqrt())
        checks.append(Check("Hutchinson", f"the mean of {PROBES} probes is the likelihood: z", z, -4.0, 4.0))
        checks.append(Check("probes differ", "one probe is off, in bits a dimension (sd)", one, low=1e-4))
        return checks


# -- the arithmetic ----------------------------------------------------------------------------------------------------


def problem(name: str) -> Any:
    """The target under VE from 0.05 to 20, where t is the logarithm of sigma."""
    from solvers_zoo import registry
    from solvers_zoo.processes.ve import VE

    return registry.model(name, sde=VE(sigma_min=0.05, sigma_max=20.0))


def exact_samples(model: Any, n: int) -> Tensor:
    """``n`` samples of the law at t_min, (n, d) in float64."""
    import torch

    from solvers_zoo.noise.seeded import SeededNoise

    x: Tensor = model.draw(model.sde.at(model.sde.t_min), SeededNoise(0, range(n), model.shape, torch.float64).data())
    return x


def bits(name: str, solver: str, steps: int | None, n: int) -> tuple[Tensor, Tensor]:
    """-log2 p / d of n exact samples: in closed form, and by the flow and its divergence as one system."""
    from solvers_zoo.likelihood.density import log_likelihood

    model = problem(name)
    x = exact_samples(model, n)
    exact = model.log_density(x, model.sde.at(model.sde.t_min))
    found = log_likelihood(model, x, solver, steps=steps, grid="log-snr", method="flow", time_error=False)
    return -exact / (x.shape[1] * math.log(2)), found.bits


def probed(n: int) -> tuple[Tensor, Tensor]:
    """Hutchinson's estimate less the likelihood with the full trace, and its standard error by the probes: bits, (n,)."""
    from solvers_zoo.likelihood.density import log_likelihood

    model = problem("mixture-5(dim=4)")
    way: dict[str, Any] = {"solver": SOLVER, "steps": 32, "grid": "log-snr", "method": "flow", "time_error": False}
    x = exact_samples(model, n)
    full = log_likelihood(model, x, **way)
    guess = log_likelihood(model, x, trace="hutchinson", probes=PROBES, seed=1, **way)
    return guess.bits - full.bits, guess.trace_error / (guess.dim * math.log(2))


def order_chart(rows: list[Row]) -> Any:
    """Error over steps, for each solver."""
    from solvers_zoo.charts import lines

    shown = [row for row in rows if row["steps"]]
    return lines(
        shown,
        "steps",
        "error",
        "solver",
        x_title="steps from data to noise",
        y_title="largest error (bits a dimension)",
        title="Likelihoods converge at the solver's order",
        subtitle="2-D mixture under VE, the flow and its divergence as one system",
    )
