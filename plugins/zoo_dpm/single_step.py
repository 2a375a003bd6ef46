"""What the single-step methods of this family share: a tableau that their options make, and an embedded result."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from solvers_zoo import ExponentialRungeKutta, SolverCard, option
from solvers_zoo.numerics.exponential_tableau import ExponentialTableau, phis


class SingleStep(ExponentialRungeKutta):
    r"""An exponential Runge-Kutta method in lam, written with the differences of its later predictions D from the first.

        x_s = alpha_s x0 + sigma_s eps + sum_i w_i (D_i - D_t)

    With ``error`` the difference from the method of one order less on the same stages is the step's error.
    """

    error: bool = option(False, help="also estimate the local error of a step, from the method of one order less")

    @property
    def estimates(self) -> bool:
        """The option ``error``."""
        return self.error

    def estimating(self) -> SingleStep:
        """With the error estimate."""
        return self.replace(error=True)

    def facts(self) -> SolverCard:
        """The order that the places of the stages give."""
        return replace(self.card, order=self.tableau.order)


@cache
def two_stages(r1: float) -> ExponentialTableau:
    """The second stage at r1; b_1 = phi_1 / (2 r1), the slope of D held as the papers do (exact would be phi_2 / r1)."""
    b1 = phis(1) / (2 * r1)
    return ExponentialTableau(A=((), (r1 * phis(1, r1),)), b=(phis(1) - b1, b1), c=(0.0, r1), b_hat=(phis(1), 0.0))


@cache
def three_stages(r1: float, r2: float) -> ExponentialTableau:
    """Stages at r1 and r2; A_21 = r2^2/r1 phi_2(r2 z), b_2 = phi_2 / r2, and `two_stages` embedded."""
    a21, b2 = r2**2 / r1 * phis(2, r2), phis(2) / r2
    return ExponentialTableau(
        A=((), (r1 * phis(1, r1),), (r2 * phis(1, r2) - a21, a21)),
        b=(phis(1) - b2, 0.0, b2),
        c=(0.0, r1, r2),
        b_hat=(*two_stages(r1).b, 0.0),
    )


class TwoStages(SingleStep):
    """A method with one point between the ends of the step."""

    r1: float = option(
        0.5, help="place of the intermediate point, as a fraction of the step in lam", above=0.0, high=1.0
    )

    @property
    def tableau(self) -> ExponentialTableau:
        """The second stage at r1."""
        return two_stages(self.r1)


class ThreeStages(SingleStep):
    """A method with two points between the ends of the step."""

    r1: float = option(1 / 3, help="place of the first intermediate point, a fraction of the step", above=0.0, high=1.0)
    r2: float = option(2 / 3, help="place of the second intermediate point", above=0.0, high=1.0)

    @property
    def tableau(self) -> ExponentialTableau:
        """Stages at r1 and r2."""
        return three_stages(self.r1, self.r2)
