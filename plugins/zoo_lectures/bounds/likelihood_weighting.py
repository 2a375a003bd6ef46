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

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import (
    Check,
    Checks,
    Experiment,
    Findings,
    Progress,
    Row,
    Rows,
    only,
    ratios,
    silent,
    slope_of,
    track,
    where,
)
from zoo_lectures.bounds.kappa import rule
from zoo_lectures.bounds.numbers import NARROW, THREE, UNIT, VARIANCES

SIZES = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4)
ENDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: Forms and sizes of the score's error on the mixture; the quick form has the first three.
MIXED = tuple(
    (form, n * size) for n in (1, 2) for form, size in (("constant", 0.2), ("linear", 0.05), ("sinusoidal", 0.05))
)
#: Solvers of the reverse SDE on Gaussians (order 2 in law) and on the mixture (one draw a step), and of the flow.
SDE, MIXTURE_SDE, ODE = "stochastic-heun", "exponential-sde", "rk4(variable=t)"


class LikelihoodWeighting(Experiment):
    """KL of the reverse SDE and of the flow, and the bound, over the size of the score's error and the end time."""

    card = zoo.StudyCard(
        name="likelihood-weighting",
        title="The likelihood bound of score matching",
        claim="Half the g^2-weighted score error bounds the KL divergence of the reverse SDE; the probability flow breaks the bound.",
        source=zoo.Source(
            authors="Song et al. 2021",
            title="Maximum Likelihood Training of Score-Based Diffusion Models",
            arxiv="2101.09258",
            where="Theorem 1",
        ),
        seconds=16,
        quick_seconds=6,
    )
    T: float = zoo.option(8.0, help="end of the process where it is not what varies", above=0.0)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Constant errors on Gaussians, then three forms of error on a mixture."""
        from zoo_lectures.bounds import charts

        jobs = [(name, "constant", c, self.T) for name in (UNIT, NARROW) for c in SIZES]
        jobs += [(UNIT, "constant", 0.05, T) for T in ENDS if T != self.T]
        jobs += [(THREE, form, delta, self.T) for form, delta in (MIXED[:3] if quick else MIXED)]
        rows = [case(*job, quick=quick) for job in track(jobs, progress)]
        return self.judge(
            rows,
            {"error": lambda: charts.score_error(rows, self.T), "time": lambda: charts.end_time(rows)},
            [
                "The flow has no such bound: what keeps the SDE's samples near is that noise and the score forget a wrong drift."
            ],
        )

    def checks(self, rows: Rows) -> Checks:
        """The bound for the SDE, its failure for the flow, and the closed forms."""
        sde, flow = (max(ratios(rows, key, "bound")) for key in ("sde", "flow"))
        yield Check("SDE under the bound", "no KL of the reverse SDE is above the bound: largest ratio", sde, high=1.0)
        yield Check("flow over the bound", "the flow breaks the bound: largest ratio", flow, low=2.0)
        if self.T == 8.0:
            for name, c, kl, bound in ((UNIT, 0.05, 0.00500, 0.0200), (NARROW, 0.2, 0.0462, 0.320)):
                row = only(rows, target=name, size=c, T=8.0)
                words = f"on {name} with c = {c:g} the SDE's KL is {kl:g}, the bound {bound:g}"
                yield Check(f"KL of the SDE, {name}", words, row["sde"], 0.99 * kl, 1.01 * kl)
                yield Check(f"bound, {name}", words, row["bound"], 0.999 * bound, 1.001 * bound)
            kl = only(rows, target=UNIT, size=0.05, T=8.0)["flow"]
            yield Check(
                "KL of the flow", "on N(0, 1) with c = 0.05 the flow's KL is 0.08, four bounds", kl, 0.0799, 0.0801
            )
        off = max(abs(row["sde"] / drifted(row["size"], row["T"]) - 1) for row in where(rows, target=UNIT))
        yield Check("closed form", "on N(0, 1) the SDE's KL is 2 c^2 (1 - e^-T)^2, relatively", off, high=0.02)
        late = sorted(where(rows, target=UNIT, size=0.05), key=lambda row: row["T"])[-3:]
        yield Check("growth of the flow's", "the flow's KL grows like T^2", slope_of(late, "T", "flow"), 1.99, 2.01)
        yield Check(
            "growth of the SDE's",
            "the SDE's KL does not grow: that at the longest T over that at half of it",
            late[-1]["sde"] / late[-2]["sde"],
            0.99,
            1.01,
        )


@functools.cache
def target(name: str, T: float) -> zoo.Gaussian | zoo.Mixture:
    """A law on the line under OU."""
    sde = zoo.OU(t_min=1e-3, t_max=T)
    if name == THREE:
        return zoo.model("mixture-1d", sde=sde)
    return zoo.Gaussian([0.0], VARIANCES[name], sde)


def drifted(c: float, T: float) -> float:
    """KL of the reverse SDE down to t = 0.001 on N(0, 1) with the constant error c: half the square of the mean's shift."""
    return 2 * c**2 * math.expm1(1e-3 - T) ** 2


def case(name: str, form: str, size: float, T: float, quick: bool = False) -> Row:
    """KL(exact || sampled) of SDE and flow at t = 0.001, from N(0, 1) at T, and the bound, in nats."""
    from zoo_lectures.bounds.laws import end_kl, places

    model = target(name, T)
    seen = zoo.ScoreError(model, size, form)
    fine = rule(model.sde, 0.1 if quick and name == THREE else 0.05)
    row: Row = {"target": name, "form": form, "size": size, "T": T}
    x = places(28.0, 2**12 if quick else 2**13) if name == THREE else None
    solvers = {"sde": SDE if x is None else MIXTURE_SDE, "flow": ODE}
    kl = {key: end_kl(model, seen, solver, fine, x) for key, solver in solvers.items()}
    return {**row, **kl, "bound": bound(model, form, size)}


def bound(model: zoo.Gaussian | zoo.Mixture, form: str, size: float) -> float:
    """1/2 int g^2 E |error|^2 dt + KL(p_T || N(0, 1)), by quadrature in t and x."""
    import torch

    from zoo_lectures.bounds.laws import STANDARD, density_of, places
    from zoo_lectures.quadrature import nodes

    sde, x = model.sde, places(28.0, 2**13)
    error = zoo.ScoreError(model, size, form).error(torch.from_numpy(x)[:, None])[:, 0].numpy() * size
    loss = 0.0
    for t, share in zip(*(part.tolist() for part in nodes((sde.t_min, sde.t_max), 48)), strict=True):
        density = density_of(model, sde.at(t), x)
        loss += share * sde.at(t).g2 / 2 * float((density.p * error**2).sum() * density.width)
    return loss + density_of(model, sde.at(sde.t_max), x).kl(STANDARD.density(x))
