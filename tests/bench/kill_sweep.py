"""Kills a sweep at random instants and looks at what is left.

    python tests/bench/kill_sweep.py 200

Each trial runs a sweep in a process of its own on a store of its own, kills it with SIGKILL, runs it again to its end, and compares the
store with that of a sweep that was left alone. Half of the instants are moments, half are file operations (the k-th open, write,
fsync, rename or unlink, before or after it is done), so that writes and renames are hit for certain.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from solvers_zoo import registry
from solvers_zoo.bench.run import bench
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.sweep import Sweep

HERE = Path(__file__).parent
SWEEP = Sweep(
    solvers=("heun", "ddim:eta=1", "traced"),
    models=("ring",),
    nfe=(4, 6),
    n=64,
    repeats=0,
    metrics=("strong(trajectories=4)", "mean"),
    plugins=(str(HERE / "odd_solvers.py"),),
)
_SITES = ("open", "write", "fsync", "replace", "unlink", "mkdir")


def results(folder: Path) -> str:
    """All result columns of a store, by key."""
    store = Store(folder)
    found = {record.key: [record.cell.facts(), record.code, record.result] for record in store.records()}
    assert not store.damage, [str(damage) for damage in store.damage]
    return json.dumps(found, sort_keys=True)


def sweep(folder: Path) -> None:
    """Run the sweep in this process."""
    torch.set_num_threads(1)
    outcome = bench(SWEEP, Store(folder), registry.default().make("executor", "serial"))
    assert outcome.failed == 0


def forked(work: Callable[[], None]) -> int:
    """Run ``work`` in a fork, which knows all modules already; its process number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def killed_at(folder: Path, operation: int, before: bool) -> None:
    """Run the sweep and die at its k-th file operation."""
    count = 0

    def watched(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count == operation and before:
                os.kill(os.getpid(), signal.SIGKILL)
            done = real(*args, **kwargs)
            if count == operation:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return call

    for site in _SITES:
        setattr(os, site, watched(getattr(os, site)))
    sweep(folder)


def trial(folder: Path, dice: random.Random, lasts: float, operations: int) -> str:
    """One kill; what kind it was."""
    if dice.random() < 0.5:
        child, kind = forked(lambda: sweep(folder)), "moment"
        time.sleep(dice.uniform(0, lasts))  # the random instant itself
        os.kill(child, signal.SIGKILL)
    else:
        place, before = dice.randint(1, operations), dice.random() < 0.5
        child, kind = forked(lambda: killed_at(folder, place, before)), "operation"
    _, status = os.waitpid(child, 0)
    return kind if os.WIFSIGNALED(status) else "too late"


def campaign(trials: int, seed: int = 0) -> dict[str, int]:
    """How many kills of each kind; AssertionError if anything was lost, doubled or corrupt."""
    dice, kinds = random.Random(seed), {"moment": 0, "operation": 0, "too late": 0}
    base = Path(tempfile.mkdtemp(prefix="zoo-kill-"))
    try:
        sweep(base / "alone")  # warm-up: what is imported or cached on first use
        shutil.rmtree(base / "alone")
        began = time.perf_counter()
        sweep(base / "alone")
        lasts, whole = time.perf_counter() - began, results(base / "alone")
        cells = len(json.loads(whole))
        for number in range(trials):
            folder = base / f"{number}"
            kinds[trial(folder, dice, lasts, operations=8 * cells)] += 1
            finished = results(folder) if folder.exists() else "{}"
            kept = {path.name: path.read_bytes() for path in folder.glob("cells/*/*.json")}
            assert json.loads(finished).items() <= json.loads(whole).items(), "a finished cell has another result"
            sweep(folder)
            assert results(folder) == whole, "the resumed store differs"
            assert all(
                path.read_bytes() == kept.get(path.name, path.read_bytes()) for path in folder.glob("cells/*/*.json")
            )
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(base)
    return kinds


if __name__ == "__main__":
    print(campaign(int(sys.argv[1]), seed=int(sys.argv[2]) if len(sys.argv) > 2 else 0))
