"""What all ancestral samplers share: eta, the split, and what the card says with and without noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo import SolverCard, Source, StepSolver, combine, option
from zoo_ancestral.split import BY_VARIANCE, Split

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Interval
    from solvers_zoo.numerics.combine import Term
    from solvers_zoo.numerics.scalar import Scalar


def crowson(function: str) -> Source:
    """k-diffusion's ``function``, where the samplers with Karras's variables were first written down."""
    return Source(
        authors="Crowson 2022",
        title="k-diffusion",
        link="https://github.com/crowsonkb/k-diffusion",
        where=f"Section of sampling.py: {function}, get_ancestral_step",
    )


def comfy(function: str) -> Source:
    """ComfyUI's ``function``, the form for rectified flows."""
    return Source(
        authors="ComfyUI 2024",
        title="ComfyUI",
        link="https://github.com/comfyanonymous/ComfyUI",
        where=f"Section of comfy/k_diffusion/sampling.py: {function}",
    )


class Ancestral(StepSolver):
    """A step of the flow to a level below s, and fresh noise up to s."""

    eta: float = option(1.0, help="noise: 0 is the probability flow, 1 the reverse SDE", low=0.0, high=1.0)
    split: ClassVar[Split] = BY_VARIANCE
    still: ClassVar[tuple[str, ...]] = ()
    """Solvers that give the same numbers at eta = 0."""

    def facts(self) -> SolverCard:
        """Without noise, a solver of the flow, of the order that the law has with it, which runs in both directions."""
        card = self.card
        if self.eta:
            same = card.equivalents if self.eta == 1 else ()
            return replace(card, noise_level=self.split.level(self.eta), equivalents=same)
        return card.noise_free(card.weak_order, self.still)

    def parts(self, t: GaussianPoint, s: GaussianPoint) -> tuple[Scalar, Scalar]:
        """(kept, fresh) of a step from t to s."""
        return self.split.parts(t, s, self.eta)

    def renoise(self, interval: Interval, fresh: Scalar, noise: Draws, *terms: Term) -> Tensor:
        """The sum of ``terms``, and ``fresh`` times the noise of the step where there is any."""
        return combine(*terms, (fresh, noise.between(interval.t, interval.s))) if self.eta else combine(*terms)
