"""Ready-made models by name: a target distribution and the process it is usually seen through."""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.processes.edm import EDM
from solvers_zoo.registry.card import ModelCard, Source
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.base import ScoreModel

#: What is known of a mixture in closed form.
EXACT = ("score", "density", "samples")
#: Papers that several targets are from.
KARRAS = functools.partial(
    Source,
    authors="Karras et al. 2022",
    title="Elucidating the Design Space of Diffusion-Based Generative Models",
    arxiv="2206.00364",
)
NCSN = functools.partial(
    Source,
    authors="Song & Ermon 2019",
    title="Generative Modeling by Estimating Gradients of the Data Distribution",
    arxiv="1907.05600",
)


class Target(Configurable):
    """A named target; its fields are its options, and `build` gives the score model on a process."""

    card: ClassVar[ModelCard]

    @abstractmethod
    def build(self, sde: GaussianSDE) -> ScoreModel:
        """The score model of this target under ``sde``."""

    @abstractmethod
    def default_sde(self) -> GaussianSDE:
        """The process it is usually seen through."""


class OnEDM(Target):
    """A target that is usually seen through EDM."""

    def default_sde(self) -> GaussianSDE:
        """EDM from 80 to 0.002."""
        return EDM()
