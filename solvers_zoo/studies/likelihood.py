r"""Exact likelihoods by the probability flow: the instantaneous change of variables, and Hutchinson's estimate of its trace.

Along dx/dt = v(x, t) the logarithm of the density changes by -div v, so

    log p_0(x_0) = log p_T(x_T) + int div v(x_t, t) dt.

State and logarithm are one flow in d + 1 coordinates, which any solver of the zoo integrates from data to noise. On mixtures the
answer is known. With a probe e of random signs e' (dv/dx) e has the mean div v: its estimate of the likelihood is unbiased.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from solvers_zoo.card import Source, StudyCard
from solvers_zoo.options import option
from solvers_zoo.studies.base import Check, Experiment, Findings, Progress, Row, column, silent, slope, track

if TYPE_CHECKING:
    from collections.abc import Callable

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
        gaps = self.probed(8 if quick else 32)
        return Findings(rows, self.checks(rows, gaps), {"order": lambda: order_chart(rows)})

    def probed(self, n: int) -> Tensor:
        """Mean over n samples of Hutchinson's estimate less the likelihood with the full trace, in bits, for every probe."""
        x, log_p = flowed("mixture-5(dim=4)", SOLVER, 32, n)
        _, guess = flowed("mixture-5(dim=4)", SOLVER, 32, n, PROBES)
        gap: Tensor = (guess.view(PROBES, n) - log_p).mean(1) / (x.shape[1] * math.log(2))
        return gap

    def checks(self, rows: list[Row], gaps: Tensor) -> list[Check]:
        """Errors at the tolerance, orders, and the mean of the probes."""
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
        z = float(gaps.mean() / (gaps.std() / math.sqrt(len(gaps))))
        checks.append(Check("Hutchinson", "the mean of 100 probes is the likelihood: z", z, -4.0, 4.0))
        checks.append(Check("probes differ", "one probe is off, in bits a dimension (sd)", float(gaps.std()), low=1e-4))
        return checks


# -- the arithmetic ----------------------------------------------------------------------------------------------------


def augmented(model: Any, probes: Tensor | None = None) -> Any:
    """The flow of (x, l) with dl/dt = div v, or probe' (dv/dx) probe; a model of d + 1 coordinates."""
    import torch

    from solvers_zoo.score_models.function import FunctionModel

    d = math.prod(model.shape)

    def slope(state: Tensor, t: Tensor) -> Tensor:
        """Velocity and divergence."""
        x, count = state[:, :d].contiguous(), len(state)
        # all directions in one pass over a batch repeated d times
        along = torch.eye(d, dtype=x.dtype).repeat_interleave(count, 0) if probes is None else probes
        repeats = len(along) // count
        own = t[:, None].double().repeat(repeats, 1)
        point = model.sde.at(
            own if bool((t != t[0]).any()) else float(t[0])
        )  # an adaptive solver gives each its own time

        def velocity(x: Tensor) -> Tensor:
            out: Tensor = model(x, point).flow
            return out

        jvp: Callable[..., Any] = torch.func.jvp
        v, moved = jvp(velocity, (x.repeat(repeats, 1),), (along,))
        trace = (moved * along).sum(1).view(repeats, count).sum(0)
        return torch.cat((v[:count], trace[:, None]), 1)

    return FunctionModel(slope, model.sde, prediction="flow", shape=(d + 1,))


def flowed(name: str, solver: str, steps: int | None, n: int, probes: int = 0) -> tuple[Tensor, Tensor]:
    """Exact samples x (n, d) and log p by the flow: (n,), or (probes n,) with as many probes of the trace."""
    import torch

    from solvers_zoo.noise.seeded import SeededNoise
    from solvers_zoo.sampling.encode import encode

    model = problem(name)
    sde, (d,) = model.sde, model.shape
    x = model.draw(sde.at(sde.t_min), SeededNoise(0, range(n), model.shape, torch.float64).data())
    rows, signs = x, None
    if probes:
        rows = x.repeat(probes, 1)
        signs = torch.sign(SeededNoise(1, range(len(rows)), (d,), torch.float64).data().fresh())
    start = torch.cat((rows, torch.zeros(len(rows), 1, dtype=torch.float64)), 1)
    done = encode(augmented(model, signs), start, solver=solver, steps=steps, grid="log-snr", chunk=len(start))
    end = done.x
    return x, model.log_density(end[:, :d].contiguous(), sde.at(sde.t_max)) + end[:, d]


def problem(name: str) -> Any:
    """The target under VE from 0.05 to 20, where t is the logarithm of sigma."""
    from solvers_zoo import registry
    from solvers_zoo.processes.ve import VE

    return registry.model(name, sde=VE(sigma_min=0.05, sigma_max=20.0))


def bits(name: str, solver: str, steps: int | None, n: int) -> tuple[Tensor, Tensor]:
    """-log2 p / d of n exact samples: in closed form, and by the flow."""
    model = problem(name)
    x, log_p = flowed(name, solver, steps, n)
    exact = model.log_density(x, model.sde.at(model.sde.t_min))
    return -exact / (x.shape[1] * math.log(2)), -log_p / (x.shape[1] * math.log(2))


def order_chart(rows: list[Row]) -> Any:
    """Error over steps, for each solver."""
    from solvers_zoo.charts import lines

    shown = [row for row in rows if row["steps"]]
    return lines(
        shown, "steps", "error", "solver", x_title="steps from data to noise", y_title="largest error (bits a dimension)",
        title="Likelihoods converge at the solver's order", subtitle="2-D mixture under VE, the flow and its divergence as one system",
    )  # fmt: skip
