"""Times of several things in turn, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

#: Seconds that a part runs before it is the next one's turn.
TURN = 0.005


class Rounds:
    """Seconds of every part: of its fastest run in every round."""

    def __init__(self, seconds: Mapping[Any, list[float]]) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return len(next(iter(self.seconds.values())))

    def fastest(self, formula: Callable[[Mapping[Any, float]], float]) -> float:
        """A formula of the fastest run of every part."""
        return formula({part: min(found) for part, found in self.seconds.items()})

    def median(self, formula: Callable[[Mapping[Any, float]], float]) -> float:
        """The median over the rounds of a formula of their times."""
        return statistics.median(
            formula({part: found[i] for part, found in self.seconds.items()}) for i in range(len(self))
        )


def interleaved(
    parts: Mapping[Any, Callable[[], Any]], repeats: int, device: str = "cpu", turn: float | None = None
) -> Rounds:
    """Run every part in turn, ``repeats`` times; short parts often in their turn.

    On the CPU time is the thread's own, which leaves other work on the machine out. A GPU's work is waited for.
    """
    turn = TURN if turn is None else turn
    seconds: dict[Any, list[float]] = {part: [] for part in parts}
    clock, wait = (time.thread_time, _nothing) if device == "cpu" else (time.perf_counter, torch.cuda.synchronize)
    for _ in range(repeats):
        for name, part in parts.items():
            end, best = time.perf_counter() + turn, float("inf")
            while True:
                begin = clock()
                part()
                wait()
                best = min(best, clock() - begin)
                if time.perf_counter() > end:
                    break
            seconds[name].append(best)
    return Rounds(seconds)


def _nothing() -> None:
    """There is nothing to wait for on the CPU."""
