r"""With the weight g^2 the score-matching loss bounds the KL divergence of the reverse SDE's samples, but not of the flow's.

    KL(p_0 || p_theta) <= 1/2 int g^2 E |s_theta - grad log p_t|^2 dt + KL(p_T || N(0, I))

by Girsanov's theorem, which needs noise to hide a wrong drift. On the Ornstein-Uhlenbeck process, N(0, 1) and a constant error c of
the score the SDE's mean is off by 2 c (1 - e^-T), so its KL is 2 c^2 (1 - e^-T)^2 <= c^2 T for every T; the flow's is off by c T, and
c^2 T^2 / 2 is above the bound from T = 2 on. Laws are exact, those of the zoo's own solvers: by unit probes on Gaussians, by carrying
the density on the mixture.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, column, silent, slope, track
from solvers_zoo.registry.card import Source, StudyCard
from solvers_zoo.registry.options import option

SIZES = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4)
ENDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
MIXED = (
    ("constant", 0.2),
    ("linear", 0.05),
    ("sinusoidal", 0.05),
    ("constant", 0.4),
    ("linear", 0.1),
    ("sinusoidal", 0.1),
)
#: Of the reverse SDE on Gaussians (order 2 in law) and on the mixture (one draw a step), and of the flow.
SDE, MIXTURE_SDE, ODE = "stochastic-heun", "exponential-sde", "rk4(variable=t)"
UNIT, NARROW, THREE = "N(0, 1)", "N(0, 1/4)", "three modes"


class LikelihoodWeighting(Experiment):
    """KL of the reverse SDE and of the flow, and the bound, over the size of the score's error and the end time."""

    card = StudyCard(
        name="likelihood-weighting",
        title="The likelihood bound of score matching",
        claim="Half the g^2-weighted score error bounds the KL divergence of the reverse SDE; the probability flow breaks the bound.",
        source=Source(
            authors="Song et al. 2021",
            title="Maximum Likelihood Training of Score-Based Diffusion Models",
            arxiv="2101.09258",
            where="Theorem 1",
        ),
        seconds=16,
        quick_seconds=6,
    )
    T: float = option(8.0, help="end of the process where it is not what varies", above=0.0)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Constant errors on Gaussians, then three forms of error on a mixture."""
        jobs: list[tuple[str, str, float, float]] = [
            (name, "constant", c, self.T) for name in (UNIT, NARROW) for c in SIZES
        ]
        jobs += [(UNIT, "constant", 0.05, T) for T in ENDS if T != self.T]
        jobs += [(THREE, form, delta, self.T) for form, delta in (MIXED[:3] if quick else MIXED)]
        rows = [case(*job, quick=quick) for job in track(jobs, progress)]
        return Findings(
            rows,
            self.checks(rows),
            {"error": lambda: error_chart(rows, self.T), "time": lambda: time_chart(rows)},
            [
                "The flow has no such bound: what keeps the SDE's samples near is that noise and the score forget a wrong drift."
            ],
        )

    def checks(self, rows: list[Row]) -> list[Check]:
        """The bound for the SDE, its failure for the flow, and the closed forms."""
        sde, flow = ([row[key] / row["bound"] for row in rows] for key in ("sde", "flow"))
        checks = [
            Check(
                "SDE under the bound", "no KL of the reverse SDE is above the bound: largest ratio", max(sde), high=1.0
            ),
            Check("flow over the bound", "the flow breaks the bound: largest ratio", max(flow), low=2.0),
        ]
        if self.T == 8.0:
            for name, c, kl, bound in ((UNIT, 0.05, 0.00500, 0.0200), (NARROW, 0.2, 0.0462, 0.320)):
                (row,) = (row for row in rows if (row["target"], row["size"], row["T"]) == (name, c, 8.0))
                words = f"on {name} with c = {c:g} the SDE's KL is {kl:g}, the bound {bound:g}"
                checks.append(Check(f"KL of the SDE, {name}", words, row["sde"], 0.99 * kl, 1.01 * kl))
                checks.append(Check(f"bound, {name}", words, row["bound"], 0.999 * bound, 1.001 * bound))
            (row,) = (row for row in rows if (row["target"], row["size"], row["T"]) == (UNIT, 0.05, 8.0))
            checks.append(
                Check(
                    "KL of the flow",
                    "on N(0, 1) with c = 0.05 the flow's KL is 0.08, four bounds",
                    row["flow"],
                    0.0799,
                    0.0801,
                )
            )
        over_time = sorted(
            (row for row in rows if row["target"] == UNIT and row["size"] == 0.05), key=lambda row: row["T"]
        )
        off = max(abs(row["sde"] / drifted(row["size"], row["T"]) - 1) for row in rows if row["target"] == UNIT)
        words = "on N(0, 1) the SDE's KL is 2 c^2 (1 - e^-T)^2, relatively"
        checks.append(Check("closed form", words, off, high=0.02))
        late = over_time[-3:]
        checks.append(
            Check(
                "growth of the flow's",
                "the flow's KL grows like T^2",
                low=1.99,
                high=2.01,
                value=slope(column(late, "T"), column(late, "flow")),
            )
        )
        words = "the SDE's KL does not grow: that at the longest T over that at half of it"
        checks.append(Check("growth of the SDE's", words, late[-1]["sde"] / late[-2]["sde"], 0.99, 1.01))
        return checks


# -- the arithmetic ----------------------------------------------------------------------------------------------------


@functools.cache
def target(name: str, T: float) -> Any:
    """A law on the line under OU."""
    from solvers_zoo import registry
    from solvers_zoo.processes.ou import OU
    from solvers_zoo.score_models.gaussian import Gaussian

    sde = OU(t_min=1e-3, t_max=T)
    if name == THREE:
        return registry.model("mixture-1d", sde=sde)
    return Gaussian([0.0], {UNIT: 1.0, NARROW: 0.25}[name], sde)


def drifted(c: float, T: float) -> float:
    """KL of the reverse SDE down to t = 0.001 on N(0, 1) with the constant error c: half the square of the mean's shift."""
    return 2 * c**2 * math.expm1(1e-3 - T) ** 2


def case(name: str, form: str, size: float, T: float, quick: bool = False) -> Row:
    """KL(exact || sampled) of SDE and flow at t = 0.001, from N(0, 1) at T, and the bound, in nats."""
    from solvers_zoo.score_models.wrappers.score_error import ScoreError
    from solvers_zoo.time_grids.kappa import Kappa
    from zoo_lectures.bounds.laws import Normal, density_law, density_of, gaussian_law, normal_density, places

    model = target(name, T)
    seen = ScoreError(model, size, form)
    fine: Any = Kappa(kappa=0.1 if quick and name == THREE else 0.05).make_grid(model.sde)
    row: Row = {"target": name, "form": form, "size": size, "T": T}
    if name != THREE:
        true = Normal(0.0, float(model.moments(fine[-1])[1]))
        kl = {"sde": true.kl(gaussian_law(seen, SDE, fine)), "flow": true.kl(gaussian_law(seen, ODE, fine))}
    else:
        x = places(28.0, 2**12 if quick else 2**13)
        true_density, prior = density_of(model, fine[-1], x), normal_density(Normal(0.0, 1.0), x)
        kl = {
            "sde": true_density.kl(density_law(seen, MIXTURE_SDE, fine, prior)),
            "flow": true_density.kl(density_law(seen, ODE, fine, prior)),
        }
    return {**row, **kl, "bound": bound(model, form, size)}


def bound(model: Any, form: str, size: float) -> float:
    """1/2 int g^2 E |error|^2 dt + KL(p_T || N(0, 1)), by quadrature in t and x."""
    import numpy as np
    import torch

    from solvers_zoo.score_models.wrappers.score_error import ERRORS
    from zoo_lectures.bounds.laws import Normal, density_of, normal_density, places

    sde, x = model.sde, places(28.0, 2**13)
    error = ERRORS[form](torch.from_numpy(x)[:, None], model.mean)[:, 0].numpy() * size
    nodes, shares = np.polynomial.legendre.leggauss(48)
    middle, half = (sde.t_max + sde.t_min) / 2, (sde.t_max - sde.t_min) / 2
    loss = 0.0
    for node, share in zip(nodes.tolist(), shares.tolist(), strict=True):
        density = density_of(model, sde.at(middle + half * node), x)
        mean_square = float((density.p * error**2).sum() * density.width)
        loss += share * half * float(sde.at(middle + half * node).g2) / 2 * mean_square
    start = density_of(model, sde.at(sde.t_max), x)
    return loss + start.kl(normal_density(Normal(0.0, 1.0), x))


# -- charts ------------------------------------------------------------------------------------------------------------

NAMES = {"flow": "probability flow", "bound": "bound", "sde": "reverse SDE"}


def error_chart(rows: list[Row], T: float) -> Any:
    """KL over the size of a constant error, a panel for each Gaussian."""
    from solvers_zoo.charts import lines

    long = [
        {"size": row["size"], "KL": row[key], "what": words, "target": row["target"]}
        for row in rows
        if row["T"] == T and row["target"] != THREE
        for key, words in NAMES.items()
    ]
    return lines(
        long,
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


def time_chart(rows: list[Row]) -> Any:
    """KL over the end time, for one constant error."""
    from solvers_zoo.charts import lines

    long = [
        {"T": row["T"], "KL": row[key], "what": words}
        for row in rows
        if row["target"] == UNIT and row["size"] == 0.05
        for key, words in NAMES.items()
    ]
    return lines(
        long,
        "T",
        "KL",
        "what",
        x_title="end T of the process",
        y_title="KL(data ‖ samples) in nats",
        title="A longer process lets the flow drift away",
        subtitle="N(0, 1), constant error 0.05 of the score",
    )
