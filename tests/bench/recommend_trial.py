"""Is a recommendation right? Compares it with a sweep of every solver on every grid, on starts that it has not seen.

python tests/bench/recommend_trial.py            the second ten models, 10 evaluations; an hour on one core
python tests/bench/recommend_trial.py 0 13       models 0 and 13 only
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import torch
import unseen_models

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.bench.ranking import Contestant
from solvers_zoo.bench.recommend import Advice, eligible, everywhere, recommend
from solvers_zoo.bench.store import Store
from solvers_zoo.exact.flows import reference_flow

HERE = Path(__file__).parent
NFE = 10
SEED, STARTS, MANY = 500, 256, 4096
#: Contestants whose errors on `STARTS` are so many times the least at most are measured again on `MANY`.
NEAR = 3.0


def starts(model: zoo.ScoreModel, seed: int, n: int) -> torch.Tensor:
    """Starts that no recommendation has seen."""
    noise = zoo.SeededNoise(seed, range(n), model.shape, torch.float64)
    return noise.start().fresh() * model.sde.prior_std(model.sde.t_max)


def league(model: zoo.ScoreModel, extra: Contestant) -> dict[Contestant, float]:
    """Root mean square errors of solvers on grids, among them of one that was recommended, without the bench engine."""
    everyone = [extra, *(Contestant(*pair) for pair in product(eligible(NFE, noisy=False), everywhere()))]
    first = errors(model, starts(model, SEED, STARTS), everyone)
    near = [who for who in first if who == extra or first[who] <= NEAR * min(first.values())]
    return errors(model, starts(model, SEED + 1, MANY), near)


def errors(model: zoo.ScoreModel, x: torch.Tensor, contestants: Iterable[Contestant]) -> dict[Contestant, float]:
    """Root mean square distance from the ends of the exact flow."""
    ends: dict[tuple[float, float], torch.Tensor] = {}
    found = {}
    for who in contestants:
        try:
            run = zoo.sample(model, solver=who.solver, grid=who.grid, nfe=NFE, x=x.float())
        except zoo.ZooError:
            continue
        span = run.grid[0], run.grid[-1]
        if span not in ends:
            batches = [reference_flow(model, part, *map(model.sde.at, span), rtol=1e-9) for part in x.split(64)]
            ends[span] = torch.cat(batches)
        found[who] = float((run.x - ends[span]).square().mean().sqrt())
    return found


def trial(number: int) -> float:
    """How many times the best error of the whole sweep the recommended solver's is."""
    folder = Path(tempfile.mkdtemp(prefix="zoo-recommend-"))
    model = f"{HERE / 'unseen_models.py'}:model{number}"
    executor = registry.default().make("executor", "processes")
    try:
        began = time.perf_counter()
        advice: Advice = recommend(model, NFE, Store(folder), executor, stochastic="no")
        seconds = time.perf_counter() - began
        pick = Contestant(advice.pick.solver, advice.pick.grid)
        sweep = league(getattr(unseen_models, f"model{number}"), pick)
        best = min(sweep, key=lambda who: sweep[who])
        ratio = sweep[pick] / sweep[best]
        print(
            f"model{number}: {pick.solver} on {pick.grid} {sweep[pick]:.4g} in {seconds:.0f} s; best of {len(sweep)}: {best.solver} on "
            f"{best.grid} {sweep[best]:.4g}; ratio {ratio:.3f}",
            flush=True,
        )
        return ratio
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    ratios = [trial(int(number)) for number in (sys.argv[1:] or range(10, 20))]
    print(f"{sum(ratio <= 1.1 for ratio in ratios)} of {len(ratios)} within 10 %")
