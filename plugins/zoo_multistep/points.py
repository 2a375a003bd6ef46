"""The card of a method through a number of past points, which most of this family are."""

from __future__ import annotations

from solvers_zoo import SolverCard, Source

ZHANG_CHEN = Source(
    authors="Zhang & Chen 2023",
    title="Fast Sampling of Diffusion Models with Exponential Integrator",
    arxiv="2204.13902",
    where="Section 3.4",
)


def points_card(
    name: str,
    title: str,
    points: int,
    source: Source,
    aliases: tuple[str, ...] = (),
    family: str = "multistep",
    variable: str = "sigma",
    needs: tuple[str, ...] = ("gaussian", "finite-end"),
    rough_order: int | None = None,
) -> SolverCard:
    """The card of a method through the last ``points`` predictions.

    Its first step is of order 1, which leaves order 2. With exact history it is of order ``points``, unless its weights are
    those of equal steps: then its order is 2 on smooth grids and ``rough_order`` on others.
    """
    return SolverCard(
        name=name,
        title=title,
        family=family,
        order=2,
        nominal_order=None if rough_order else points,
        rough_order=rough_order,
        variable=variable,
        memory=points - 1,
        needs=needs,
        aliases=aliases,
        source=source,
    )
