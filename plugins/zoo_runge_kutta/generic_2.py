"""The family of all two-stage Runge-Kutta methods of order 2."""

from __future__ import annotations

from solvers_zoo import Source, option
from solvers_zoo.numerics.tableau import Tableau
from zoo_runge_kutta.runge_kutta import RungeKutta, method_card


def two_stages(alpha: float) -> Tableau:
    """k_1 at the fraction ``alpha`` of the step, weighted so that the order is 2."""
    weight = 1 / (2 * alpha)
    return Tableau(A=((), (alpha,)), b=(1 - weight, weight), c=(0.0, alpha), b_hat=(1.0, 0.0))


class Generic2(RungeKutta):
    """The slope at the start and at the fraction alpha of the step, weighted 1 - 1/(2 alpha) and 1/(2 alpha).

    alpha = 1/2 is midpoint, 2/3 ralston, 1 heun.
    """

    alpha: float = option(0.75, help="where in the step the second slope is taken", above=0.0, high=1.0)
    card = method_card(
        "generic-2",
        "Generic two-stage method",
        two_stages(0.75),
        Source(
            authors="Karras et al. 2022",
            title="Elucidating the Design Space of Diffusion-Based Generative Models",
            arxiv="2206.00364",
            where="Appendix D, the general family of two-stage solvers with alpha",
        ),
        aliases=("rk2-alpha",),
    )

    @property
    def tableau(self) -> Tableau:  # type: ignore[override]
        """The numbers for ``alpha``."""
        return two_stages(self.alpha)
