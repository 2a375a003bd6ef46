r"""Langevin dynamics cannot weigh far modes; annealing fixes it; the probability flow is exact.

Target 1/5 N((-5, -5), I) + 4/5 N((5, 5), I). The barrier between the modes is e^25, so a chain stays in the basin where it
starts: nearly half of a square's points. Settings are those of the toy experiment of NCSN: starts U[-8, 8]^2, eps = 0.1, 1000 steps;
annealed: sigma from 20 to 1 in 10 levels of 100 steps. The flow is EDM's Heun in 18 steps from sigma = 80. From the exact law there
it keeps the weights; from N(0, 80^2 I), which lacks the mixture's mean, it ends in a share that is known beforehand,

    Phi((m + z_(1/5) sqrt(sigma^2 + 1 + 32)) / sigma) = .2146,      m = 3 sqrt(2), z_q the normal quantile,

as the flow cuts a start at the quantile where the modes part. A chain on N(m, 1) settles at the variance 1/(1 - eps/4).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import Check, Checks, Experiment, Findings, Progress, Row, Rows, only, silent, track
from zoo_lectures.ncsn.numbers import NCSN

if TYPE_CHECKING:
    from torch import Tensor

WEIGHT = 0.2
EPS, SIGMA = 0.1, 80.0
#: Mode variances of EDM's Heun with so many steps.
SHARP = {10: 1.28, 18: 1.077, 40: 1.013}
#: Samples in the picture, as in the paper's.
SHOWN = 1280
EXACT, PLAIN, ANNEALED = "exact", "Langevin", "annealed Langevin"
FLOW, PRIOR = "probability flow", "probability flow, prior start"


class Run(NamedTuple):
    """Samples of one way to draw them, (n, 2), and what they cost."""

    x: Tensor
    nfe: int


class LangevinFails(Experiment):
    """The weights and widths of two modes by three samplers, from where each starts."""

    card = zoo.StudyCard(
        name="langevin",
        title="Langevin dynamics between two far modes",
        claim="Langevin dynamics keeps the weights of its start, annealing finds the true ones to a hundredth, the flow finds them exactly.",
        source=NCSN(where="Section 3.2.2 and Figure 3"),
        seconds=6,
        quick_seconds=3,
    )
    seed: int = zoo.option(0, help="seed of starts and noise")

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Sample in every way, measure weights and mode variances."""
        from zoo_lectures.ncsn import far_charts

        n = 5_000 if quick else 20_000
        runs = {name: self.sampled(name, n) for name in track((EXACT, PLAIN, ANNEALED, FLOW, PRIOR), progress)}
        rows = [measured(name, run) for name, run in runs.items()]
        same = (runs[PLAIN].x.sum(1) < 0) == (square(self.seed, n).sum(1) < 0)
        stays = only(rows, sampler=PLAIN)["stays"] = float(same.double().mean())
        rows += [measured(_sharpened(steps), self.sharpened(steps, 2 * n)) | {"steps": steps} for steps in SHARP]
        shown = {name: runs[name].x[:SHOWN].tolist() for name in (EXACT, PLAIN, ANNEALED, FLOW)}
        return self.judge(
            rows,
            {"samples": lambda: far_charts.samples(rows, shown), "weights": lambda: far_charts.weights(rows, WEIGHT)},
            [
                f"{stays:.1%} of Langevin's samples end on the side of the saddle where they began; the escape time is about e^25 steps.",
                "Started from N(0, 80^2 I) the flow's share is off by what the prior lacks, not by what the solver does.",
            ],
        )

    def sampled(self, name: str, n: int) -> Run:
        """n samples in one of the ways."""
        bimodal = zoo.model("bimodal")
        if name == EXACT:
            draws = zoo.SeededNoise(self.seed, range(n), (2,)).data()
            return Run(bimodal.draw(bimodal.sde.at(1e-6), draws), 0)
        if name == PLAIN:
            solver = zoo.solver("langevin", eps=EPS, n_steps_each=1000)
            done = zoo.sample(bimodal, solver, steps=1, x=square(self.seed, n), seed=self.seed)
        elif name == ANNEALED:
            solver = zoo.solver("annealed-langevin", eps=EPS, n_steps_each=100)
            points, start = zoo.model("bimodal-points"), square(self.seed, n)
            done = zoo.sample(points, solver, steps=9, grid="log-snr", x=start, seed=self.seed)
        else:
            start_law = "exact" if name == FLOW else "prior"
            done = zoo.sample(bimodal, "heun", steps=17, n=10 * n, seed=self.seed, start=start_law, denoise=True)
        return Run(done.x, done.nfe)

    def sharpened(self, steps: int, n: int) -> Run:
        """EDM's Heun with so many steps, the last of them the denoise."""
        done = zoo.sample(zoo.model("bimodal"), "heun", steps=steps - 1, n=n, denoise=True, seed=self.seed)
        return Run(done.x, done.nfe)

    def checks(self, rows: Rows) -> Checks:
        """Weights and variances against what is known of them."""
        plain, annealed, flow, prior = (only(rows, sampler=name) for name in (PLAIN, ANNEALED, FLOW, PRIOR))
        yield Check(
            "Langevin", "Langevin dynamics leaves about half in the mode of a fifth", plain["weight"], 0.44, 0.52
        )
        yield Check("Langevin stays", "a sample ends in the basin where it began", plain["stays"], low=0.9)
        yield Check("annealed", "annealing finds the weight to about a hundredth", annealed["weight"], 0.19, 0.23)
        z = (flow["weight"] - WEIGHT) / flow["standard_error"]
        yield Check("flow", "the flow from the exact law keeps the weight: z", z, -3.0, 3.0)
        share = prior_share(SIGMA)
        z = (prior["weight"] - share) / prior["standard_error"]
        yield Check("flow, prior", f"from N(0, 80^2 I) its share is the predicted {share:.4f}: z", z, -3.0, 3.0)
        settled = 1 / (1 - EPS / 4)
        for row in (plain, annealed):
            name, spread = row["sampler"], 4 * settled / math.sqrt(row["n"])  # four standard errors: 2 n coordinates
            yield Check(
                f"variance, {name}",
                f"the modes of {name} have the variance at which the chain settles, 1/(1 - eps/4)",
                row["mode_variance"],
                settled - spread,
                settled + spread,
            )
        for steps, figure in SHARP.items():
            found = only(rows, sampler=_sharpened(steps))["mode_variance"]
            yield Check(
                f"variance, {steps} steps",
                f"the modes of {steps} Heun steps have the variance {figure}",
                found,
                figure - 0.02,
                figure + 0.02,
            )


def _sharpened(steps: int) -> str:
    return f"{FLOW}, {steps} steps"


def square(seed: int, n: int) -> Tensor:
    """n starts, uniform in [-8, 8]^2."""
    import torch

    draws = zoo.SeededNoise(seed, range(n), (2,)).start()
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
    row: Row = {"sampler": name, "weight": weight, "standard_error": error}
    return row | {"mode_variance": variance, "n": n, "nfe": run.nfe}
