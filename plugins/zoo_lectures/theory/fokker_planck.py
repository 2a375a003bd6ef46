r"""Every closed-form law solves its Fokker-Planck equation, and the reverse SDE and the probability flow share its marginals.

For dX = f X dt + g dW the density p_t solves d_t p = -div(f x p) + g^2/2 lap p; in logarithms, l = log p,

    d_t l = -f (d + x . grad l) + g^2/2 (lap l + |grad l|^2).

The same p_t is that of dX = (f X - g^2 grad l) dt + g dW backwards and of dX = (f X - g^2/2 grad l) dt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    silent,
    track,
    where,
)
from zoo_lectures.bounds.numbers import FLOWS
from zoo_lectures.theory.numbers import FLOW, LAWS, SDE

if TYPE_CHECKING:
    from torch import Tensor

    from zoo_lectures.quadrature import Array

    #: Time -> states of particles.
    Paths = dict[float, Array]

#: Where in [t_min, t_max] equations are looked at; alpha may vanish at t_max.
PLACES = (0.02, 0.25, 0.5, 0.75, 0.98)
#: Times at which particles are compared with p_t, and how many paths a picture shows.
TIMES = (2.0, 1.0, 0.5, 0.2, 0.05)
SHOWN = 24


class FokkerPlanck(Experiment):
    r"""Residuals of the Fokker-Planck equation of every process, and the marginals that its two backward equations share.

    Residuals by autodiff, on a Gaussian, two modes in the plane and five correlated modes in 8 dimensions, at draws of p_t and at five
    times of every registered process. Variances of the reverse SDE and of the flow by their own equations, on N(0, 1/4). Then both
    are run on three modes of the line, and their particles compared with p_t at five times (Kolmogorov and Smirnov's distance).
    """

    card = zoo.StudyCard(
        name="fokker-planck",
        title="Every closed-form law solves its Fokker-Planck equation",
        claim="p_t solves the equation of its process, and the reverse SDE and the probability flow both have it as their marginals.",
        source=FLOWS(where="Section 4.3, Appendix D.1; lectures, sections on the probability flow"),
        seconds=60,
        quick_seconds=12,
    )
    v0: float = zoo.option(0.25, help="variance of the data for the two backward equations", above=0.0)
    particles: int = zoo.option(20_000, help="particles on the line", low=100)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Every process by itself, then particles; the quick form has fewer particles and steps."""
        from zoo_lectures.theory import fokker_charts

        names = [card.name for card in zoo.sdes()]
        n, steps = (4_000, 200) if quick else (self.particles, 1_000)
        model, rows = zoo.model("mixture-1d"), []
        paths: dict[str, Paths] = {}
        for name in track([*names, SDE, FLOW], progress):
            if name in names:
                rows += self._equations(name)
            else:
                seen = particles(model, name, n, steps)
                rows += marginals(model, name, seen)
                paths[name] = {t: x[:SHOWN] for t, x in seen.items()}
        return self.judge(
            rows,
            {
                "marginals": lambda: fokker_charts.both(model, paths),
                "residuals": lambda: fokker_charts.residuals(rows),
            },
        )

    def checks(self, rows: Rows) -> Checks:
        """The largest residual, the largest error of a variance, and the particles of both equations."""
        yield Check(
            "residual",
            "relative residual of the Fokker-Planck equation, the largest of all processes, laws and times",
            max(column(rows, "error", part="residual")),
            0.0,
            1e-9,
        )
        yield Check(
            "marginals",
            "relative error of the variance of the reverse SDE and of the flow, the largest",
            max(column(rows, "error", part="variance")),
            0.0,
            1e-6,
        )
        for what in (SDE, FLOW):
            seen = where(rows, part="particles", what=what)
            n = seen[0]["n"]
            limit = 1.95 / n**0.5  # exceeded by exact samples once in a thousand, and five times are looked at
            yield Check(
                f"particles of the {what}",
                f"Kolmogorov-Smirnov distance of {n:,} particles to p_t, the largest of five times",
                max(column(seen, "error")),
                0.0,
                limit,
            )

    def _equations(self, name: str) -> list[Row]:
        """Residuals of all laws and relative errors of both variances, for one process."""
        import torch

        sde = zoo.sde(name)
        times = {place: sde.t_min + place * (sde.t_max - sde.t_min) for place in reversed(PLACES)}
        rows: list[Row] = []
        for law in LAWS:
            model = zoo.model(law, sde=sde)
            draws = zoo.SeededNoise(0, range(64), model.shape, torch.float64)
            for place, t in times.items():
                worst = float(residual(model, model.draw(sde.at(t), draws.data()), t).max())
                rows.append({"part": "residual", "process": name, "what": law, "place": place, "error": worst})
        for what in (SDE, FLOW):
            found = variances(sde, self.v0, [*times.values()], noise=what == SDE)
            for (place, t), variance in zip(times.items(), found, strict=True):
                off = abs(variance / (sde.alpha(t) ** 2 * self.v0 + sde.sigma(t) ** 2) - 1)
                rows.append({"part": "variance", "process": name, "what": what, "place": place, "error": off})
        return rows


def residual(model: zoo.AnalyticModel, x: Tensor, t: float) -> Tensor:
    """The Fokker-Planck equation's residual at states x (B, D), relative to the sum of its terms' sizes, by autodiff.

    Derivatives of log p_t are taken through the model's density and the process's alpha and sigma; f and g^2 are the process's
    own closed forms.
    """
    import torch

    sde = model.sde
    time = torch.full((len(x),), t, dtype=torch.float64, requires_grad=True)
    x = x.detach().requires_grad_()
    level = model.log_density(x, sde.at(time))
    slope, gradient = torch.autograd.grad(level.sum(), (time, x), create_graph=True)
    second = [torch.autograd.grad(gradient[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1])]
    point = sde.at(t)
    terms = (
        slope,
        point.f * x.shape[1] + 0 * slope,
        point.f * (x * gradient).sum(1),
        -point.g2 / 2 * torch.stack(second).sum(0),
        -point.g2 / 2 * gradient.square().sum(1),
    )
    every = torch.stack(terms).detach()
    return every.sum(0).abs() / every.abs().sum(0)


def variances(
    sde: zoo.GaussianSDE, v0: float, times: Sequence[float], noise: bool, share: float | None = None
) -> list[float]:
    """Variances that a backward equation gives to N(0, v0) at ``times``, from its exact variance at the first.

    The score of N(0, v) is -x / v, so dX = (f X - share g^2 score) dt + noise g dW backwards has d var / dt = 2 (f + share g^2 / v) var -
    noise g^2. ``share`` is 1 for the reverse SDE and 1/2 for the flow; another value is another equation.
    """
    from scipy.integrate import solve_ivp

    weight = share if share is not None else 1.0 if noise else 0.5

    def rate(t: float, var: Array) -> Array:
        point = sde.at(float(t))
        exact = point.alpha**2 * v0 + point.sigma**2
        return 2 * (point.f + weight * point.g2 / exact) * var - noise * point.g2

    start = sde.at(times[0])
    first, ends = start.alpha**2 * v0 + start.sigma**2, (times[0], times[-1])
    found = solve_ivp(rate, ends, [first], method="DOP853", t_eval=times, rtol=1e-11, atol=1e-13)
    return [float(value) for value in found.y[0]]


def particles(model: zoo.AnalyticModel, what: str, n: int, steps: int) -> Paths:
    """n particles of a backward equation on the line at all times of a run, from the exact law at its start."""
    import numpy as np
    import torch

    sde = model.sde
    # even in log t where the law is the data's already, so that no step is long against what is left
    grid = np.unique(np.concatenate([np.geomspace(sde.t_max, 1e-2, steps + 1), TIMES]))[::-1]
    start = model.draw(sde.at(sde.t_max), zoo.SeededNoise(1, range(n), (1,), torch.float64).data())
    seen: Paths = {sde.t_max: start[:, 0].numpy()}

    def look(state: zoo.State) -> None:
        seen[float(state.point.t)] = state.x[:, 0].numpy().copy()

    solver = "euler-maruyama" if what == SDE else "heun(variable=t)"
    zoo.sample(model, solver=solver, grid=list(grid), x=start, callback=look)
    return seen


def marginals(model: zoo.AnalyticModel, what: str, seen: Paths) -> list[Row]:
    """Kolmogorov-Smirnov distance of particles to p_t at `TIMES`."""
    import numpy as np
    from scipy.stats import ks_1samp

    from solvers_zoo.exact import Law

    rows: list[Row] = []
    for t in TIMES:
        law = Law.of(model, model.sde.at(t))
        error = float(ks_1samp(seen[t], lambda x, law=law: np.exp(law.log_cdf(x))).statistic)
        rows.append({"part": "particles", "process": "ou", "what": what, "t": t, "error": error, "n": len(seen[t])})
    return rows
