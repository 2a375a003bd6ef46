"""Ready-made models by name: a target distribution and the process it is usually seen through."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.registry.card import ModelCard
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.base import ScoreModel


class Target(Configurable):
    """A named target; its fields are its options, and `build` gives the score model on a process."""

    card: ClassVar[ModelCard]

    @abstractmethod
    def build(self, sde: GaussianSDE) -> ScoreModel:
        """The score model of this target under ``sde``."""

    @abstractmethod
    def default_sde(self) -> GaussianSDE:
        """The process it is usually seen through."""
