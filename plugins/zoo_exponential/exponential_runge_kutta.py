"""The class of this family: a fixed tableau, for either prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo import ExponentialRungeKutta, SolverCard, Source, option

if TYPE_CHECKING:
    from solvers_zoo.numerics.exponential_tableau import ExponentialTableau


class ExponentialMethod(ExponentialRungeKutta):
    r"""An exponential Runge-Kutta method of fixed numbers, for either prediction D.

    The stages are, and the result likewise,

        x_i = alpha_i x0 + sigma_i eps + m_i sum_j A_ij(z) (D_j - D_0),  m = alpha h, z = -h for x0;  m = -sigma h, z = h for eps.
    """

    numbers: ClassVar[ExponentialTableau]
    of: str = option("x0", help="the prediction D that is integrated", choices=("x0", "eps"))

    @property
    def form(self) -> str:
        """The option ``of``."""
        return self.of

    @property
    def tableau(self) -> ExponentialTableau:
        """The class's numbers, unless options change them."""
        return self.numbers

    @classmethod
    def describe(cls) -> str:
        """The docstring, and the method written out from its numbers."""
        lines = "\n".join(f"    {line}" for line in cls().tableau.formulas().splitlines())
        return f"{super().describe()}\n\n{lines}\n\nstiff order {cls().tableau.stiff_order}."

    def facts(self) -> SolverCard:
        """The equivalents are those of the default prediction and numbers."""
        return self.card if self == type(self)() else replace(self.card, equivalents=())


def method_card(
    name: str,
    title: str,
    tableau: ExponentialTableau,
    source: Source,
    aliases: tuple[str, ...] = (),
    equivalents: tuple[str, ...] = (),
    order: int | None = None,
) -> SolverCard:
    """The card of a tableau; its cost is read off the numbers, and so is its order unless given.

    Reading it off takes longer than a list of solvers should; a test holds what is given to the tableau.
    """
    return SolverCard(
        name=name,
        title=title,
        family="exponential",
        order=order or tableau.order,
        evaluations=tableau.stages,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        source=source,
        aliases=aliases,
        equivalents=equivalents,
    )
