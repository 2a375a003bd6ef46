"""A model whose condition is given for good, so that a run draws no classes for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.score_models.wrappers.conditioned import Conditioned

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.score_models.analytic import AnalyticModel


class Settled(Conditioned):
    """``model`` under a condition, or without any: given samples have no classes that could be drawn.

    Without a condition a network that knows classes is asked for the law of all classes together.
    """

    @property
    def analytic(self) -> AnalyticModel | None:
        """The model's exact law, unless a condition changes it."""
        return None if self.condition else self.model.analytic

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """No default: whatever the condition leaves open stays open."""
        return {}
