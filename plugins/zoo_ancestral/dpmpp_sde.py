"""DPM-Solver++ SDE: single step, a stage on the stochastic path half-way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Step, combine, option
from zoo_ancestral.ancestral import Ancestral, crowson

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Grid, Interval, ScoreModel


class DPMSolverPPSDE(Ancestral):
    r"""An ancestral step to the stage at lam_m = lam_t + r h, and one to s with x0 corrected by what it was there.

        x_m = alpha_m x0_t + kept_m eps_t + fresh_m W_m
        x_s = alpha_s x0_t + kept_s eps_t + w (x0_m - x0_t) + fresh_s W,    w = (alpha_s - alpha_t kept_s/sigma_t) / (2 r)

    kept and fresh are Euler ancestral's, from t to m and from t to s. W_m and W are increments of one Brownian path in lam, so
    their correlation is sqrt(r); independent ones would leave weak order 1. With W that of the whole step,
    W_m = sqrt(r) W + sqrt(1 - r) z is the bridge, so that the step asks for no time between its own.
    """

    card = SolverCard(
        name="dpmpp-sde",
        title="DPM-Solver++ SDE",
        family="ancestral",
        evaluations=2,
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=crowson("sample_dpmpp_sde"),
    )
    r: float = option(0.5, help="place of the stage, as a fraction of the step in lam", above=0.0, high=1.0)

    def facts(self) -> SolverCard:
        """At eta = 0 it is DPM-Solver++(2S) with the same stage."""
        card = super().facts()
        return card if self.eta else replace(card, equivalents=(f"dpmpp-2s(r1={self.r})",))

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> tuple[object, ...]:
        """The stage of the interval, with what is kept and fresh there and at the end, and w."""
        middle = s if self.r == 1 else grid.sde.as_gaussian().at_lam(t.lam + self.r * (s.lam - t.lam))
        kept, fresh = self.parts(t, s)
        return middle, self.parts(t, middle), kept, fresh, (s.alpha - t.alpha * kept / t.sigma) / (2 * self.r)

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, two evaluations."""
        t, s, (middle, (kept_m, fresh_m), kept, fresh, w) = interval.t, interval.s, interval.plan
        now = model(x, t)
        to_middle, end = now.terms(middle.alpha, kept_m), now.terms(s.alpha - w, kept)
        if not self.eta:
            between = model(combine(*to_middle), middle)
            return Step(combine(*end, *between.terms(w, 0.0)))
        W = noise.between(t, s)
        bridge = (fresh_m * self.r**0.5, W), (fresh_m * (1 - self.r) ** 0.5, noise.fresh())
        between = model(combine(*to_middle, *bridge), middle)
        return Step(combine(*end, *between.terms(w, 0.0), (fresh, W)))
