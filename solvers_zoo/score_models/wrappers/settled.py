"""A model under a condition that is settled: it makes none up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.score_models.wrappers.conditioned import Conditioned

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.score_models.analytic import AnalyticModel


class Settled(Conditioned):
    """``model`` under a condition, or under none: samples that are given have no classes to draw.

    A network that knows classes is then asked for the law of all of them.
    """

    @property
    def analytic(self) -> AnalyticModel | None:
        """The model's, where no condition changes it."""
        return None if self.condition else self.model.analytic

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """None."""
        return {}
