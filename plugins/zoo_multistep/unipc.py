"""UniPC: a unified predictor-corrector of any order at one evaluation a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard, Source, option
from solvers_zoo.numerics import expm1
from solvers_zoo.numerics.exponential import exponential_weights

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class UniP(Multistep):
    r"""The predictor UniP-p: the polynomial in lam through the last p predictions, integrated exactly.

    With r_j = (lam_j - lam_t)/h and d_j = (D_j - D_0)/r_j the paper writes, for x0,

        x_s = sigma_s/sigma_t x_t - alpha_s (e^-h - 1) D_0 - alpha_s B(h) sum_j rho_j d_j,    sum_j rho_j r_j^(k-1) = k! phi_(k+1)(-h) (-h)/B(h)

    so that B cancels from the solution. It does not at p = 2, where the system is not solved but rho_1 = 1/2 is set: with B =
    bh1 = -h or bh2 = e^-h - 1. ``vary`` (the paper's varying coefficients) solves it there too.
    """

    card = SolverCard(
        name="unip",
        title="UniP",
        family="unipc",
        order=2,
        nominal_order=3,
        variable="lam",
        memory=2,
        needs=("gaussian", "finite-end"),
        aliases=("unip-3",),
        source=Source(
            authors="Zhao et al. 2023",
            title="UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models",
            arxiv="2302.04867",
            where="Algorithm 2 (UniP-p); Appendix C for varying coefficients",
        ),
    )
    order: int = option(3, help="p, the order of the predictor", low=1, high=6)
    b: str = option(
        "bh2",
        help="B(h) where two points are used: bh1, bh2, or vary for exact weights",
        choices=("bh1", "bh2", "vary"),
    )
    of: str = option("x0", help="what is interpolated: x0 or eps", choices=("x0", "eps"))

    @property
    def form(self) -> str:  # type: ignore[override]
        """As the option says."""
        return self.of

    @property
    def deep(self) -> int:
        """p - 1."""
        return self.order - 1

    def facts(self) -> SolverCard:
        """Order p with exact history, 2 after a first step of order 1."""
        card = replace(
            self.card, order=min(self.order, 2), nominal_order=self.order if self.order > 1 else None, memory=self.deep
        )
        return replace(card, nominal_order=card.order) if self.lower_order_final and self.deep else card

    def inside(self, t: GaussianPoint, s: GaussianPoint, others: Sequence[GaussianPoint]) -> list[Scalar]:
        """Weights of D_j - D_t for D at t and ``others``, over the step from t to s."""
        if len(others) == 1 and self.b != "vary":
            h = s.lam - t.lam
            scale, z = (-s.alpha, -h) if self.of == "x0" else (-s.sigma, h)
            B = z if self.b == "bh1" else expm1(z)
            return [scale * B / 2 * h / (others[0].lam - t.lam)]
        return exponential_weights(self.of, [t, *others], t, s)[1:]

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """The weights of the predictor, UniP-p."""
        return self.inside(nodes[0], s, nodes[1:])


class UniPC(UniP):
    r"""UniP-p, corrected by UniC-p as soon as the prediction at the end of the step is known.

    The corrector is the same integral with that prediction as one more point: order p + 1. It costs nothing, as the next step
    needs that prediction anyway; the last step is not corrected. The start, an exponential Euler step corrected to order 2, is
    better than other multistep methods'.
    """

    card = replace(
        UniP.card,
        name="unipc",
        title="UniPC",
        order=3,
        nominal_order=4,
        memory=3,
        aliases=("unipc-3",),
        source=replace(
            UniP.card.source, where="Algorithm 1 (UniC-p) and Algorithm 2 (UniP-p); Appendix C for varying coefficients"
        ),
    )

    @property
    def deep(self) -> int:
        """p: what the corrector of the last step still needs."""
        return self.order

    def depth(self, number: int, steps: int) -> int:
        """As many past predictions as the predictor uses: the corrector's own one more is not counted."""
        return min(super().depth(number, steps), self.order - 1)

    def facts(self) -> SolverCard:
        """One order more than the predictor; after a start corrected to order 2, at most 3."""
        card = replace(super().facts(), order=min(self.order + 1, 3), nominal_order=self.order + 1)
        return replace(card, order=2, nominal_order=2) if self.lower_order_final else card

    def correction(self, nodes: Sequence[GaussianPoint], used: int, sde: GaussianSDE) -> Sequence[Scalar]:
        """Corrector minus predictor, relative to D at the end of the step."""
        end, start, *older = nodes
        older = older[:used]
        first, *corrected = self.inside(start, end, [end, *older])
        gained = [c - p for c, p in zip(corrected, self.inside(start, end, older) if older else (), strict=True)]
        return [-first - sum(gained), *gained]


class UniPC2(UniPC):
    """UniPC of order 2: the choice for guided models."""

    card = replace(UniPC.card, name="unipc-2", title="UniPC-2", aliases=(), memory=2, nominal_order=3)
    order: int = option(2, help="p, the order of the predictor", low=1, high=6)
