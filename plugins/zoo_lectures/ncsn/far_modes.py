r"""Langevin dynamics cannot weigh far modes; annealing mends it; the probability flow is exact.

Target 1/5 N((-5, -5), I) + 4/5 N((5, 5), I). The barrier between the modes is e^25, so a chain stays in the basin where it
starts: nearly half of a square's points. Settings are those of the toy experiment of NCSN: starts U[-8, 8]^2, eps = 0.1, 1000 steps;
annealed: sigma from 20 to 1 in 10 levels of 100 steps. The flow is EDM's Heun in 18 steps from sigma = 80. From the exact law there
it keeps the weights; from N(0, 80^2 I), which lacks the mixture's mean, it ends in a share that is known beforehand,

    Phi((m + z_(1/5) sqrt(sigma^2 + 1 + 32)) / sigma) = .2146,      m = 3 sqrt(2), z_q the normal quantile,

as the flow cuts a start at the quantile where the modes part. A chain on N(m, 1) settles at the variance 1/(1 - eps/4).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, silent, track
from solvers_zoo.registry.card import Source, StudyCard
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

WEIGHT = 0.2
EPS, SIGMA = 0.1, 80.0
#: Mode variances of EDM's Heun with so many steps.
SHARP = {10: 1.28, 18: 1.077, 40: 1.013}
#: Samples in the picture, as in the paper's.
SHOWN = 1280
EXACT, PLAIN, ANNEALED, FLOW, PRIOR = (
    "exact",
    "Langevin",
    "annealed Langevin",
    "probability flow",
    "probability flow, prior start",
)


class Run(NamedTuple):
    """Samples of one way to draw them, (n, 2), and what they cost."""

    x: Tensor
    nfe: int


class LangevinFails(Experiment):
    """The weights and widths of two modes by three samplers, from where each starts."""

    card = StudyCard(
        name="langevin",
        title="Langevin dynamics between two far modes",
        claim="Langevin dynamics keeps the weights of its start, annealing finds the true ones to a hundredth, the flow finds them exactly.",
        source=Source(
            authors="Song & Ermon 2019",
            title="Generative Modeling by Estimating Gradients of the Data Distribution",
            arxiv="1907.05600",
            where="Section 3.2.2 and Figure 3",
        ),
        seconds=6,
        quick_seconds=3,
    )
    seed: int = option(0, help="seed of starts and noise")

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Sample in every way, measure weights and mode variances."""
        n = 5_000 if quick else 20_000
        runs: dict[str, Run] = {}
        for name in track((EXACT, PLAIN, ANNEALED, FLOW, PRIOR), progress):
            runs[name] = self.sampled(name, n)
        start = square(self.seed, n)
        rows = [measured(name, run) for name, run in runs.items()]
        rows += [
            {**measured(f"{FLOW}, {steps} steps", self.sharpened(steps, 2 * n)), "steps": steps} for steps in SHARP
        ]
        same = (runs[PLAIN].x.sum(1) < 0) == (start.sum(1) < 0)
        stays = float(same.double().mean())
        return Findings(
            rows,
            self.checks({row["sampler"]: row for row in rows}, stays, n),
            {"samples": lambda: scatter_chart(rows, runs), "weights": lambda: weight_chart(rows)},
            [
                f"{stays:.1%} of Langevin's samples end on the side of the saddle where they began; the escape time is about e^25 steps.",
                "Started from N(0, 80^2 I) the flow's share is off by what the prior lacks, not by what the solver does.",
            ],
        )

    def sampled(self, name: str, n: int) -> Run:
        """n samples in one of the ways."""
        from solvers_zoo import registry
        from solvers_zoo.noise.seeded import SeededNoise
        from solvers_zoo.sampling.driver import sample

        bimodal = registry.model("bimodal")
        if name == EXACT:
            draws = SeededNoise(self.seed, range(n), (2,)).data()
            return Run(bimodal.draw(bimodal.sde.at(1e-6), draws), 0)
        if name == PLAIN:
            solver = registry.solver("langevin", eps=EPS, n_steps_each=1000)
            done = sample(bimodal, solver, steps=1, x=square(self.seed, n), seed=self.seed)
        elif name == ANNEALED:
            solver = registry.solver("annealed-langevin", eps=EPS, n_steps_each=100)
            points, start = registry.model("bimodal-points"), square(self.seed, n)
            done = sample(points, solver, steps=9, grid="log-snr", x=start, seed=self.seed)
        else:
            start_law = "exact" if name == FLOW else "prior"
            done = sample(bimodal, "heun", steps=17, n=10 * n, seed=self.seed, start=start_law, denoise=True)
        return Run(done.x, done.nfe)

    def sharpened(self, steps: int, n: int) -> Run:
        """EDM's Heun with so many steps, the last of them the denoise."""
        from solvers_zoo import registry
        from solvers_zoo.sampling.driver import sample

        done = sample(registry.model("bimodal"), "heun", steps=steps - 1, n=n, denoise=True, seed=self.seed)
        return Run(done.x, done.nfe)

    def checks(self, rows: dict[str, Row], stays: float, n: int) -> list[Check]:
        """Weights and variances against what is known of them."""
        settled, predicted = 1 / (1 - EPS / 4), prior_share(SIGMA)
        spread = 4 * settled / math.sqrt(n)  # four standard errors of a variance of 2 n coordinates
        flow_z = (rows[FLOW]["weight"] - WEIGHT) / rows[FLOW]["standard_error"]
        prior_z = (rows[PRIOR]["weight"] - predicted) / rows[PRIOR]["standard_error"]
        checks = [
            Check(
                "Langevin",
                "Langevin dynamics leaves about half in the mode of a fifth",
                rows[PLAIN]["weight"],
                0.44,
                0.52,
            ),
            Check("Langevin stays", "a sample ends in the basin where it began", stays, low=0.9),
            Check("annealed", "annealing finds the weight to about a hundredth", rows[ANNEALED]["weight"], 0.19, 0.23),
            Check("flow", "the flow from the exact law keeps the weight: z", flow_z, -3.0, 3.0),
            Check(
                "flow, prior", f"from N(0, 80^2 I) its share is the predicted {predicted:.4f}: z", prior_z, -3.0, 3.0
            ),
        ]
        for name in (PLAIN, ANNEALED):
            words = f"the modes of {name} have the variance at which the chain settles, 1/(1 - eps/4)"
            found = rows[name]["mode_variance"]
            checks.append(Check(f"variance, {name}", words, found, settled - spread, settled + spread))
        for steps, figure in SHARP.items():
            found = rows[f"{FLOW}, {steps} steps"]["mode_variance"]
            words = f"the modes of {steps} Heun steps have the variance {figure}"
            checks.append(Check(f"variance, {steps} steps", words, found, figure - 0.02, figure + 0.02))
        return checks


# -- the arithmetic ----------------------------------------------------------------------------------------------------


def square(seed: int, n: int) -> Tensor:
    """n starts, uniform in [-8, 8]^2."""
    import torch

    from solvers_zoo.noise.seeded import SeededNoise

    draws = SeededNoise(seed, range(n), (2,)).start()
    return (torch.stack((draws.uniform(), draws.uniform()), 1) * 16 - 8).float()


def prior_share(sigma: float) -> float:
    """What the exact flow makes of N(0, sigma^2 I): the share of it that ends in the mode of a fifth."""
    from statistics import NormalDist

    normal = NormalDist()
    mean, along = 0.6 * 5 * math.sqrt(2), 1 + 32  # of the mixture, along its axis
    return normal.cdf((mean + normal.inv_cdf(WEIGHT) * math.sqrt(sigma**2 + along)) / sigma)


def measured(name: str, run: Run) -> Row:
    """Share of samples in the mode of a fifth, and the mean over samples of the variance of their mode."""
    left, n = run.x.sum(1) < 0, len(run.x)
    weight = float(left.double().mean())
    variance = sum(float(part.double().var(0).mean()) * len(part) / n for part in (run.x[left], run.x[~left]))
    error = math.sqrt(weight * (1 - weight) / n)
    return {
        "sampler": name,
        "weight": weight,
        "standard_error": error,
        "mode_variance": variance,
        "n": n,
        "nfe": run.nfe,
    }


# -- charts ------------------------------------------------------------------------------------------------------------


def scatter_chart(rows: list[Row], runs: dict[str, Run]) -> Any:
    """Samples of all four ways side by side, as in the lecture."""
    from solvers_zoo.charts import scatter as drawing

    shown = {name: runs[name].x[:SHOWN].tolist() for name in (EXACT, PLAIN, ANNEALED, FLOW)}
    weights = {row["sampler"]: row["weight"] for row in rows}
    names = {name: f"{name}, {100 * weights[name]:.0f} : {100 * (1 - weights[name]):.0f}" for name in shown}
    points = [
        {"x": a, "y": b, "panel": names[name], "mode": "lower" if a + b < 0 else "upper"}
        for name, places in shown.items()
        for a, b in places
    ]
    return drawing.scatter(
        points,
        "x",
        "y",
        "mode",
        panel="panel",
        panels=list(names.values()),
        reach=9.0,
        title="Langevin dynamics cannot weigh far modes",
        subtitle="1/5 N((-5, -5), I) + 4/5 N((5, 5), I); chains start uniform on a square, the flow from the exact law at σ = 80; shares in %",
    )


def weight_chart(rows: list[Row]) -> Any:
    """Share of the lower mode with two standard errors, against the true one."""
    from solvers_zoo.charts import scatter as drawing

    shown = [
        {
            "sampler": row["sampler"],
            "weight": row["weight"],
            "low": row["weight"] - 2 * row["standard_error"],
            "high": row["weight"] + 2 * row["standard_error"],
        }
        for row in rows
        if "steps" not in row
    ]
    return drawing.intervals(
        shown,
        "weight",
        "sampler",
        low="low",
        high="high",
        truth=WEIGHT,
        x_title="share of samples in the mode of 1/5",
        title="The share of the smaller mode",
        subtitle="two standard errors; the line is the truth",
    )
