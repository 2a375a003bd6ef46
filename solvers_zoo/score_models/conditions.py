"""Conditions of a run: the arguments that its model is called with, and which of them have a row for every sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    import torch


class Conditions:
    """The condition of a run of ``n`` samples: a tensor with n rows follows the samples, anything else is the same for all.

    Attributes:
        values: what the model is called with, by name.
        rows: names of the values that follow the samples.

    """

    def __init__(self, values: Mapping[str, object] | None, n: int) -> None:
        self.values = dict(values or {})
        self.rows = {
            name for name, value in self.values.items() if isinstance(value, Tensor) and value.shape[:1] == (n,)
        }

    def of(self, take: Callable[[Tensor], Tensor], device: torch.device | None = None) -> dict[str, object]:
        """The condition of some samples of the run: ``take`` picks their rows.

        Args:
            take: called with every value that follows the samples.
            device: where all tensors go; they stay where they are if it is not given.

        """
        taken = {
            name: take(value) if name in self.rows and isinstance(value, Tensor) else value
            for name, value in self.values.items()
        }
        if device is None:
            return taken
        return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in taken.items()}
