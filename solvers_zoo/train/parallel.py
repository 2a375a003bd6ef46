"""Several processes that train one network, started by ``torchrun`` or ``accelerate launch``.

Every process takes its share of each batch, and gradients are summed. As all numbers have addresses, the batch is that of a single
process; sums are taken in another order, so weights differ from a single process's by rounding.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor


class Workers:
    """This process among those that train together; alone unless a launcher says otherwise."""

    def __init__(self) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1")) if "MASTER_ADDR" in os.environ else 1
        self.rank = int(os.environ.get("RANK", "0")) if self.size > 1 else 0
        if self.size > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("gloo")

    @property
    def first(self) -> bool:
        """Whether this process writes the files and reports progress."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """The places in a batch that are this process's."""
        return range(self.rank * batch // self.size, (self.rank + 1) * batch // self.size)

    def add(self, tensors: Iterable[Tensor]) -> None:
        """Sum tensors over all processes, in place."""
        if self.size > 1:
            tensors = list(tensors)
            flat = torch.cat([tensor.flatten() for tensor in tensors])
            torch.distributed.all_reduce(flat)
            for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
                tensor.copy_(part.view(tensor.shape))

    def agree(self, value: float) -> float:
        """The first process's value."""
        if self.size == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64)
        torch.distributed.broadcast(told, 0)
        return float(told)

    def close(self) -> None:
        """Part."""
        if self.size > 1:
            torch.distributed.destroy_process_group()
