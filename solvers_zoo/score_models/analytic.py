"""Models whose law is known exactly at every time."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from solvers_zoo.score_models.base import ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws


class AnalyticModel(ScoreModel):
    """A score model with exact density and exact samples at every point of its process."""

    @abstractmethod
    def log_density(self, x: Tensor, point: Any) -> Tensor:
        """log p_t(x), shape (B,), in nats."""

    @abstractmethod
    def draw(self, point: Any, draws: Draws) -> Tensor:
        """Exact samples of p_t, one for each sample that ``draws`` serves: (B, *shape)."""
