"""How much of a run is its tasks: python tests/executors/efficiency.py [EXECUTOR ...], as in "processes:workers=2" "ray:workers=2".

500 tasks of 50 ms on warm workers; the whole run over (the sum of the tasks' own times / workers). The aim is at most 1.10.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from solvers_zoo import Executor, registry

TASKS, SECONDS = 500, 0.05


def spin(seconds: float) -> float:
    """Keep a core busy, and say for how long."""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        pass
    return time.perf_counter() - began


def run(executor: Executor, seconds: list[float]) -> tuple[float, float]:
    """Seconds of a run, and of its tasks."""
    began = time.perf_counter()
    found = [taken for _, taken in executor.run(spin, seconds)]
    assert all(isinstance(taken, float) for taken in found), found
    return time.perf_counter() - began, sum(found)


def main(specs: list[str]) -> None:
    """Measure, and print a line for each."""
    for spec in specs:
        executor = registry.default().make("executor", spec)
        start, _ = run(executor, [0.0] * executor.slots)
        idle, _ = run(executor, [0.0] * TASKS)
        whole, tasks = run(executor, [SECONDS] * TASKS)
        print(
            f"{spec}: start {start:.2f} s, {TASKS} empty tasks {idle:.2f} s, "
            f"{TASKS} tasks of 50 ms {whole:.2f} s = {whole * executor.slots / tasks:.3f} of their sum / {executor.slots}"
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(sys.argv[1:] or ["processes:workers=2"])
