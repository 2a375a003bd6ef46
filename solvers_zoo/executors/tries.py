"""The items of one run, for executors whose workers may die: which of them wait, and which are given up."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from solvers_zoo.executors.base import Executor, Failure


class Tries:
    """The items of one run.

    Attributes:
        unsent: numbers of the items that cannot be sent to a worker, each with the reason.
        items: the others as bytes, by number.
        waiting: numbers of the items that are to be given to a worker, the first comes next.

    """

    def __init__(self, parcels: Sequence[bytes | Failure]) -> None:
        """Let all items wait that `pack_items` could pack."""
        self.unsent = [(number, parcel) for number, parcel in enumerate(parcels) if isinstance(parcel, Failure)]
        self.items = {number: parcel for number, parcel in enumerate(parcels) if isinstance(parcel, bytes)}
        self.waiting = deque(self.items)
        self._lost: Counter[int] = Counter()

    def lost(self, number: int, failure: Failure) -> Failure | None:
        """Take note that an item's worker died: the item waits again (None), or is given up with ``failure`` after its last try."""
        self._lost[number] += 1
        if self._lost[number] >= Executor.tries:
            return failure
        self.waiting.append(number)
        return None
