"""Counter-based random words: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

A word is a pure function of a 64-bit key and a 128-bit counter, so every random number of a run can have an address.
Words are held in int64, where the 32 x 32 -> 64 bit products wrap without loss.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Constants are tensors without dimensions, which torch takes at half the cost of Python integers, on any device.
_MASK, _HALF = torch.tensor(0xFFFFFFFF), torch.tensor(32)
_M0, _M1 = torch.tensor(0xD2511F53), torch.tensor(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85


class Philox:
    """The words of one ``key``, of which 64 bits are used: the low word is the first of the algorithm's two."""

    def __init__(self, key: int) -> None:
        k0, k1 = key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF
        self._keys = [
            (torch.tensor((k0 + i * _W0) & 0xFFFFFFFF), torch.tensor((k1 + i * _W1) & 0xFFFFFFFF)) for i in range(10)
        ]

    def __call__(self, *counter: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Four words for every counter.

        Args:
            counter: four words, each an int or an int64 tensor, in [0, 2^32); tensors broadcast. Words that many
                counters share are best given small: the first rounds then cost next to nothing.

        Returns:
            four int64 tensors of the broadcast shape, values in [0, 2^32).

        """
        c0, c1, c2, c3 = counter
        for k0, k1 in self._keys:
            p0, p1 = _M0 * c0, _M1 * c2
            c0, c1, c2, c3 = _mix(p1, c1, k0), p1, _mix(p0, c3, k1), p0
        return c0, c1 & _MASK, c2, c3 & _MASK


def _mix(product: Tensor, word: int | Tensor, key: Tensor) -> Tensor:
    """High half of the product, xor the low half of ``word``, xor key: cleared of all else once, at the end."""
    return product.bitwise_right_shift(_HALF).bitwise_xor(word).bitwise_xor_(key).bitwise_and_(_MASK)
