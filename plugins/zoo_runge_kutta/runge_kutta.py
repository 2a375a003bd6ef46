"""Explicit Runge-Kutta on the probability flow, in any integration variable: one class for every tableau."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo import VARIABLES, OptionError, SolverCard, Source, StageSolver, option
from solvers_zoo.numerics.tableau import Tableau
from solvers_zoo.solving import Row, Stage, StagePlan, each_interval

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, Grid
    from solvers_zoo.numerics.scalar import Scalar


class RungeKutta(StageSolver):
    r"""Solve dy/du = k(y, u) for the scaled state y = x / scale and the clock u of ``variable``.

        k_i = r_i x0(x_i) + s_i eps(x_i),    x_i = scale_i (y_t + h sum_j A_ij k_j),    h = u_s - u_t
        x_s = scale_s (y_t + h sum_i b_i k_i)

    The first stage is special: x_t is itself alpha_t x0 + sigma_t eps, so y_t and k_0 are one pair (R, S). In ``sigma``
    it is alpha_i x0 + (sigma_i - alpha_i h sum_{0<j<i} A_ij) eps, the DDIM step to the stage when A_i0 = c_i; that needs no division
    by alpha_t, so Euler runs where alpha_t = 0.

    With ``error`` the embedded weights also give ``Step.error``; without it, stages that serve them alone are left out.
    """

    tableau: ClassVar[Tableau]
    """The numbers; a property where options make them."""
    variable: str = option(
        "sigma", help="integration variable: t, sigma (x/alpha over sigma/alpha) or lam", choices=tuple(VARIABLES)
    )

    error: bool = option(False, help="also estimate the local error of a step, from the embedded weights")

    @classmethod
    def describe(cls) -> str:
        """The docstring, and the method written out from its numbers."""
        lines = "\n".join(f"    {line}" for line in cls.make().tableau.formulas().splitlines())
        return f"{super().describe()}\n\n{lines}\n\ny = x / scale and u are those of the option ``variable``; h = u_s - u_t."

    def check(self) -> None:
        """An error estimate needs embedded weights."""
        if self.error and self.tableau.b_hat is None:
            raise OptionError(f"{self.spec_name()}: error=true is not possible; its tableau has no embedded weights.")

    def estimating(self) -> RungeKutta:
        """With the error estimate, where there are weights for one."""
        return self.replace(error=True) if self.tableau.b_hat is not None else self

    def facts(self) -> SolverCard:
        """Variable and needs as the option makes them; only the one-stage method in sigma goes without alpha > 0."""
        ddim = self.variable == "sigma" and self.tableau.stages == 1
        needs = ("gaussian",) if ddim else VARIABLES[self.variable].needs
        own = all(getattr(self, name) == value for name, value in self.defaults().items() if name != "error")
        equivalents = self.card.equivalents if own else ()
        evaluations = self.tableau.stages if self.error else self.tableau.stages_used
        return replace(
            self.card,
            order=self.tableau.order,
            variable=self.variable,
            needs=needs,
            equivalents=equivalents,
            evaluations=evaluations,
        )

    def plan(self, grid: Grid) -> Sequence[StagePlan]:
        """For every interval: the rows of the later stages, of the result, and of the error if there is one."""
        T, sde, u = self.tableau, grid.sde, VARIABLES[self.variable]
        count = T.stages if self.error else T.stages_used
        later = [(c, *self._split(a, c)) for a, c in zip(T.A[1:count], T.c[1:count], strict=True)]
        result = self._split(T.b, 1.0)
        gap = [b - b_hat for b, b_hat in zip(T.b, T.b_hat, strict=True)] if self.error and T.b_hat else None

        def interval(t: GaussianPoint, s: GaussianPoint) -> StagePlan:
            clock = u.clock(t)
            h = u.clock(s) - clock
            stages: list[Stage] = []
            points = {0.0: t, 1.0: s}
            for c, *weights in later:
                if c not in points:
                    points[c] = u.point(sde, clock + c * h)
                stages.append((points[c], u.slope(points[c]), self._row(weights, h, t, points[c])))
            error: Row | None = None
            if gap is not None:
                (r, q), scale = u.slope(t), h * u.scale(s)
                error = (scale * gap[0] * r, scale * gap[0] * q, [(j, scale * e) for j, e in enumerate(gap[1:])])
            return stages, self._row(result, h, t, s), error

        return each_interval(interval, grid)

    @staticmethod
    def _split(a: Sequence[float], c: float) -> tuple[float, float, list[tuple[int, float]]]:
        """A row's weight of k_0, what the later stages cover of its node c, and (j - 1, weight) of those that count."""
        later = [(j, a_j) for j, a_j in enumerate(a[1:]) if a_j != 0]
        return a[0], c - a[0] if later else 0.0, later

    def _row(self, weights: Sequence[Any], h: Scalar, t: GaussianPoint, point: GaussianPoint) -> Row:
        """scale (y_t + h sum_j a_j k_j) at ``point``."""
        a_0, rest, later = weights
        u = VARIABLES[self.variable]
        step = u.scale(point) * h
        w = [(j, step * a_j) for j, a_j in later]
        if self.variable == "sigma":
            return (point.alpha, point.sigma - step * rest if w else point.sigma, w)
        (r, q), ratio = u.slope(t), u.scale(point) / u.scale(t)
        return (ratio * t.alpha + step * a_0 * r, ratio * t.sigma + step * a_0 * q, w)


def book(where: str) -> Source:
    """A place in the standard book on the subject."""
    return Source(
        authors="Hairer, Norsett & Wanner 1993",
        title="Solving Ordinary Differential Equations I",
        link="https://doi.org/10.1007/978-3-540-78862-1",
        where=where,
    )


def method_card(
    name: str,
    title: str,
    tableau: Tableau,
    source: Source,
    aliases: tuple[str, ...] = (),
    equivalents: tuple[str, ...] = (),
    order: int | None = None,
) -> SolverCard:
    """The card of a tableau; its order and cost are read off the numbers.

    ``order`` is given where reading it off takes longer than a list of solvers should; a test holds it to the tableau.
    """
    return SolverCard(
        name=name,
        title=title,
        family="runge-kutta",
        order=order or tableau.order,
        evaluations=tableau.stages_used,
        variable="sigma",
        needs=("gaussian",) if tableau.stages == 1 else VARIABLES["sigma"].needs,
        source=source,
        aliases=aliases,
        equivalents=equivalents,
    )
