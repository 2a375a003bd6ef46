r"""The KL divergence between path measures by Girsanov's theorem, against the marginals' own and the bound of Chen and Benton.

DDPM's exponential integrator on the Ornstein-Uhlenbeck process holds the score over a step from u_k to u_(k+1) < u_k, the times
that are left. Exact and numerical paths differ in their drift by 2 (s(u_k, X_(u_k)) - grad log q_u(X_u)), so

    KL(q_tau || p) <= KL(paths) = KL(q_T || N(0, I)) + sum_k int E |s(u_k, X_(u_k)) - grad log q_u(X_u)|^2 du
                               <= delta^2 + d kappa^2 N + kappa d T + d e^(-2T)

if u_k - u_(k+1) <= kappa min(1, u_(k+1)). With the exact score the integral needs no paths. As grad log q_(u_k)(X_(u_k)) e^(-h) is the
mean of grad log q_u(X_u) given X_(u_k), with h = u_k - u, the integrand is J_u - (2 e^(-h) - 1) J_(u_k), J the Fisher information;
and dH/du = J - d for the entropy H of q_u. Hence

    sum_k int ... du = H_T - H_tau + d (T - tau) - sum_k (2 (1 - e^(-h_k)) - h_k) J_(u_k),

by quadrature on the line for any mixture. In more dimensions the double expectation is averaged over exact samples.
"""

from __future__ import annotations

import math
from itertools import pairwise

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
from zoo_lectures.bounds.kappa import bound, rule, variance_at
from zoo_lectures.bounds.numbers import BENTON, KAPPAS, NARROW, ONE_POINT, THREE, VARIANCES

DIMS = (1, 2, 8, 32, 128)
TARGETS = (ONE_POINT, NARROW, THREE)


class Girsanov(Experiment):
    """Path KL, marginal KL and bound over kappa on the line; path KL over the dimension."""

    card = zoo.StudyCard(
        name="girsanov",
        title="Girsanov's path KL against the bound of Chen and Benton",
        claim="KL of marginals <= KL of paths <= d kappa^2 N + kappa d T + d e^(-2T); the paths' falls like kappa, the marginals' like "
        "kappa^2, and both grow linearly in d.",
        source=BENTON,
        seconds=25,
        quick_seconds=7,
    )
    T: float = zoo.option(8.0, help="where the reverse process starts", above=1.0)
    tau: float = zoo.option(1e-3, help="time that is left where it ends", above=0.0)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Three targets on the line for every kappa, then whitened five-mode mixtures in several dimensions."""
        from zoo_lectures.bounds import charts

        kappas, dims = (KAPPAS[:4], DIMS[:4]) if quick else (KAPPAS, DIMS)
        line = [(name, kappa, 0.0) for name in TARGETS for kappa in kappas] + [(name, 0.1, 0.2) for name in TARGETS]
        samples = 200 if quick else 1000
        rows = [
            self.in_space(job, samples) if isinstance(job, int) else self.on_the_line(*job)
            for job in track([*line, *dims], progress)
        ]
        return self.judge(
            rows,
            {"kappa": lambda: charts.path_kl(rows), "dimension": lambda: charts.dimension(rows)},
            ["The bound is drawn with the constant 1, which the theorem does not claim.", self.remark(rows)],
        )

    # -- one case each -------------------------------------------------------------------------------------------------

    def on_the_line(self, name: str, kappa: float, error: float) -> Row:
        """All figures of a target and a kappa in nats, with a constant ``error`` of the score.

        The error adds error^2 (T - tau) to the path KL: the score's own change over a step has mean zero.
        """
        from zoo_lectures.bounds.laws import STANDARD, density_of, end_kl, places
        from zoo_lectures.bounds.path_kl import REACH, path_kl, target

        model = target(name, self.T, self.tau)
        seen, delta2 = zoo.ScoreError(model, error), error**2 * (self.T - self.tau)
        grid = rule(model.sde, kappa)
        x = places(REACH)
        path = path_kl(model, grid) + delta2 + density_of(model, grid[0], x).kl(STANDARD.density(x))
        marginal = end_kl(model, seen, "exponential-sde", grid, x if name == THREE else None)
        row = {"target": name, "kappa": kappa, "error": error, "steps": grid.steps, "d": 1, "path_kl": path}
        return {**row, "marginal_kl": marginal, "bound": delta2 + bound(kappa, grid)}

    def in_space(self, d: int, samples: int) -> Row:
        """Path KL of a whitened mixture in d dimensions at kappa = 0.1, with its standard error."""
        from zoo_lectures.bounds.path_kl import path_kl, sampled_path_kl, whitened

        model = whitened(d, self.T, self.tau)
        grid = rule(model.sde, 0.1)
        path, error = sampled_path_kl(model, grid, samples)
        row = {"target": "five modes, whitened", "kappa": 0.1, "steps": grid.steps, "d": d, "path_kl": path}
        if d == 1:
            row["exact"] = path_kl(model, grid)
        return {**row, "standard_error": error, "samples": samples, "bound": bound(0.1, grid, d)}

    # -- what it shows -------------------------------------------------------------------------------------------------

    def checks(self, rows: Rows) -> Checks:
        """The chain of inequalities, the slopes, and quadrature against closed form and samples."""
        line = [row for row in rows if "marginal_kl" in row]
        exact, space = where(line, error=0.0), [row for row in rows if "samples" in row]
        yield Check(
            "marginal over path",
            "no marginal KL is above the path KL, with and without an error of the score",
            max(ratios(line, "marginal_kl", "path_kl")),
            high=1.0,
        )
        yield Check(
            "path over bound",
            "no path KL is above the bound with constant 1",
            max(ratios(rows, "path_kl", "bound")),
            high=1.0,
        )
        off = max(abs(self.closed_form(row) / row["path_kl"] - 1) for row in exact if row["target"] != THREE)
        yield Check("closed form", "on Gaussians the quadrature is the closed form, relatively", off, high=1e-9)
        for name in TARGETS:
            last = where(exact, target=name)[-3:]
            for figure, power, low, high in (("path_kl", 1, 0.9, 1.1), ("marginal_kl", 2, 1.7, 2.1)):
                yield Check(
                    f"slope of {figure}, {name}",
                    f"{figure.replace('_kl', ' KL')} of {name} falls like kappa^{power}",
                    slope_of(last, "kappa", figure),
                    low,
                    high,
                )
        one = only(space, d=1)
        z = (one["path_kl"] - one["exact"]) / one["standard_error"]
        yield Check("z of samples", "exact samples agree with the quadrature", z, -4.0, 4.0)
        each = ratios((row for row in space if row["d"] >= 8), "path_kl", "d")
        yield Check(
            "growth in d",
            "the path KL a dimension is the same from 8 dimensions on: largest over smallest",
            max(each) / min(each),
            high=1.2,
        )

    def closed_form(self, row: Row) -> float:
        """The path KL of N(0, v): J = 1/(1 + (v - 1) e^(-2u)), whose integral is log(e^(2u) + v - 1)/2."""
        v, left = VARIANCES[row["target"]], math.exp(-2 * self.T)
        total = -math.log1p((v - 1) * left) / 2 + (v - 1) * left / 2
        for t, s in pairwise(rule(zoo.OU(t_min=self.tau, t_max=self.T), row["kappa"]).times):
            held = variance_at(t, v)
            gone = (t - s) + math.log(held / variance_at(s, v)) / 2
            total += gone - (-2 * math.expm1(s - t) - (t - s)) / held
        return total

    def remark(self, rows: Rows) -> str:
        """How loose each inequality is."""
        row = only(rows, target=THREE, kappa=0.1, error=0.0)
        path, marginal = row["bound"] / row["path_kl"], row["path_kl"] / row["marginal_kl"]
        return (
            f"For three modes at kappa = 0.1 the bound is {path:.3g} times the path KL, and the path KL {marginal:.3g} times the "
            "marginals' own: most of what the paths do wrong cancels before they end."
        )
