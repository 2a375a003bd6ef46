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
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, column, silent, slope, track
from solvers_zoo.registry.card import Source, StudyCard
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.time_grids.base import Grid

KAPPAS = (0.4, 0.2, 0.1, 0.05, 0.025)
DIMS = (1, 2, 8, 32, 128)
TARGETS = ("one point", "N(0, 1/4)", "three modes")


class Girsanov(Experiment):
    """Path KL, marginal KL and bound over kappa on the line; path KL over the dimension."""

    card = StudyCard(
        name="girsanov",
        title="Girsanov's path KL against the bound of Chen and Benton",
        claim="KL of marginals <= KL of paths <= d kappa^2 N + kappa d T + d e^(-2T); the paths' falls like kappa, the marginals' like "
        "kappa^2, and both grow linearly in d.",
        source=Source(
            authors="Benton et al. 2024",
            title="Nearly d-Linear Convergence Bounds for Diffusion Models via Stochastic Localization",
            arxiv="2308.03686",
            where="Theorem 2",
        ),
        seconds=25,
        quick_seconds=7,
    )
    T: float = option(8.0, help="where the reverse process starts", above=1.0)
    tau: float = option(1e-3, help="time that is left where it ends", above=0.0)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Three targets on the line for every kappa, then whitened five-mode mixtures in several dimensions."""
        kappas = KAPPAS[:4] if quick else KAPPAS
        dims = DIMS[:4] if quick else DIMS
        jobs: list[tuple[Any, ...]] = [("kappa", name, kappa, 0.0) for name in TARGETS for kappa in kappas]
        jobs += [("kappa", name, 0.1, 0.2) for name in TARGETS]
        jobs += [("d", d, 200 if quick else 1000) for d in dims]
        rows: list[Row] = []
        for kind, *what in track(jobs, progress):
            rows.append(self.on_the_line(*what) if kind == "kappa" else self.in_space(*what))
        return Findings(
            rows,
            self.checks(rows),
            {"kappa": lambda: self.chart(rows), "dimension": lambda: self.dimension_chart(rows)},
            ["The bound is drawn with the constant 1, which the theorem does not claim.", *self.remarks(rows)],
        )

    # -- one case each -------------------------------------------------------------------------------------------------

    def on_the_line(self, name: str, kappa: float, error: float) -> Row:
        """All figures of a target and a kappa in nats, with a constant ``error`` of the score.

        The error adds error^2 (T - tau) to the path KL: the score's own change over a step has mean zero.
        """
        from solvers_zoo.score_models.wrappers.score_error import ScoreError
        from zoo_lectures.bounds.laws import Normal, density_law, density_of, gaussian_law, normal_density, places
        from zoo_lectures.bounds.path_kl import REACH, path_kl, target

        model = target(name, self.T, self.tau)
        seen, delta2 = ScoreError(model, error), error**2 * (self.T - self.tau)
        grid = self.grid(model.sde, kappa)
        first, last = grid[0], grid[-1]
        x = places(REACH)
        prior = normal_density(Normal(0.0, 1.0), x)
        path = path_kl(model, grid) + delta2 + density_of(model, first, x).kl(prior)
        if name == "three modes":
            marginal = density_of(model, last, x).kl(density_law(seen, "exponential-sde", grid, prior))
        else:
            end = Normal(0.0, float(model.moments(last)[1]))
            marginal = end.kl(gaussian_law(seen, "exponential-sde", grid))
        row = {"target": name, "kappa": kappa, "error": error, "steps": grid.steps, "d": 1, "path_kl": path}
        return {**row, "marginal_kl": marginal, "bound": delta2 + self.bound(kappa, grid.steps, 1)}

    def in_space(self, d: int, samples: int) -> Row:
        """Path KL of a whitened mixture in d dimensions at kappa = 0.1, with its standard error."""
        from zoo_lectures.bounds.path_kl import path_kl, sampled_path_kl, whitened

        model = whitened(d, self.T, self.tau)
        grid = self.grid(model.sde, 0.1)
        path, error = sampled_path_kl(model, grid, samples)
        row = {"target": "five modes, whitened", "kappa": 0.1, "steps": grid.steps, "d": d, "path_kl": path}
        if d == 1:
            row["exact"] = path_kl(model, grid)
        return {**row, "standard_error": error, "samples": samples, "bound": self.bound(0.1, grid.steps, d)}

    def grid(self, sde: Any, kappa: float) -> Grid:
        """The rule's grid."""
        from solvers_zoo.time_grids.kappa import Kappa

        return Kappa(kappa=kappa).make_grid(sde)

    def bound(self, kappa: float, steps: int, d: int) -> float:
        """d (kappa^2 N + kappa T + e^(-2T)), for an exact score."""
        return d * (kappa**2 * steps + kappa * self.T + math.exp(-2 * self.T))

    # -- what it shows -------------------------------------------------------------------------------------------------

    def checks(self, rows: list[Row]) -> list[Check]:
        """The chain of inequalities, the slopes, and quadrature against closed form and samples."""
        line = [row for row in rows if "marginal_kl" in row]
        exact = [row for row in line if not row["error"]]
        space = [row for row in rows if "samples" in row]
        checks = [
            Check(
                "marginal over path",
                "no marginal KL is above the path KL, with and without an error of the score",
                high=1.0,
                value=max(row["marginal_kl"] / row["path_kl"] for row in line),
            ),
            Check(
                "path over bound",
                "no path KL is above the bound with constant 1",
                high=1.0,
                value=max(row["path_kl"] / row["bound"] for row in rows),
            ),
            Check(
                "closed form",
                "on Gaussians the quadrature is the closed form, relatively",
                high=1e-9,
                value=max(
                    abs(self.closed_form(row) / row["path_kl"] - 1) for row in exact if row["target"] != "three modes"
                ),
            ),
        ]
        for name in TARGETS:
            h = column(exact, "kappa", target=name)[-3:]
            for figure, low, high in (("path_kl", 0.9, 1.1), ("marginal_kl", 1.7, 2.1)):
                order = slope(h, column(exact, figure, target=name)[-3:])
                words = f"{figure.replace('_kl', ' KL')} of {name} falls like kappa^{1 if figure == 'path_kl' else 2}"
                checks.append(Check(f"slope of {figure}, {name}", words, order, low, high))
        (one,) = (row for row in space if "exact" in row)
        z = (one["path_kl"] - one["exact"]) / one["standard_error"]
        checks.append(Check("z of samples", "exact samples agree with the quadrature", z, -4.0, 4.0))
        each = [row["path_kl"] / row["d"] for row in space if row["d"] >= 8]
        growth = "the path KL a dimension is the same from 8 dimensions on: largest over smallest"
        checks.append(Check("growth in d", growth, max(each) / min(each), high=1.2))
        return checks

    def closed_form(self, row: Row) -> float:
        """The path KL of N(0, v): J = 1/(1 + (v - 1) e^(-2u)), whose integral is log(e^(2u) + v - 1)/2."""
        from zoo_lectures.bounds.path_kl import target

        v = {"one point": 0.0, "N(0, 1/4)": 0.25}[row["target"]]
        model = target(row["target"], self.T, self.tau)
        times = self.grid(model.sde, row["kappa"]).times
        total = -math.log1p((v - 1) * math.exp(-2 * self.T)) / 2 + (v - 1) * math.exp(-2 * self.T) / 2
        for t, s in pairwise(times):
            held = v * math.exp(-2 * t) - math.expm1(-2 * t)
            gone = (t - s) + math.log(held / (v * math.exp(-2 * s) - math.expm1(-2 * s))) / 2
            total += gone - (-2 * math.expm1(s - t) - (t - s)) / held
        return total

    def remarks(self, rows: list[Row]) -> list[str]:
        """How loose each inequality is."""
        (row,) = (row for row in rows if row["target"] == "three modes" and row["kappa"] == 0.1 and not row["error"])
        path, marginal = row["bound"] / row["path_kl"], row["path_kl"] / row["marginal_kl"]
        return [
            f"For three modes at kappa = 0.1 the bound is {path:.3g} times the path KL, and the path KL {marginal:.3g} times the "
            "marginals' own: most of what the paths do wrong cancels before they end."
        ]

    def chart(self, rows: list[Row]) -> Any:
        """Bound, path KL and marginal KL over kappa, a panel for each target."""
        from solvers_zoo.charts import lines

        names = {"bound": "bound, constant 1", "path_kl": "KL of paths (Girsanov)", "marginal_kl": "KL of marginals"}
        long = [
            {"kappa": row["kappa"], "KL": row[key], "what": words, "target": row["target"]}
            for row in rows
            if row.get("error") == 0.0
            for key, words in names.items()
        ]
        return lines(
            long,
            "kappa",
            "KL",
            "what",
            panel="target",
            panels=TARGETS,
            columns=3,
            width=240,
            height=270,
            x_title="step size κ",
            y_title="KL divergence (nats)",
            title="The bound is of the right shape for paths; samples do better",
            subtitle="DDPM's exponential integrator, exact score, T = 8, τ = 0.001",
        )

    def dimension_chart(self, rows: list[Row]) -> Any:
        """Path KL over the dimension."""
        from solvers_zoo.charts import lines

        names = {"bound": "bound, constant 1", "path_kl": "KL of paths (Girsanov)"}
        long = [
            {"d": row["d"], "KL": row[key], "what": words}
            for row in rows
            if "samples" in row
            for key, words in names.items()
        ]
        return lines(
            long,
            "d",
            "KL",
            "what",
            x_title="dimension d",
            y_title="KL divergence (nats)",
            title="The path KL is linear in the dimension",
            subtitle="five modes whitened to unit covariance, κ = 0.1, exact score",
        )
