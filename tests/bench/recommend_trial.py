"""Is a recommendation right? Compares it with a study of every solver on every grid, on starts that it has not seen.

python tests/bench/recommend_trial.py            ten models, 10 evaluations; some minutes on two cores
python tests/bench/recommend_trial.py 0 3        models 0 and 3 only
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
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
SEED, STARTS = 500, 256


def league(model: zoo.ScoreModel, extra: Contestant) -> dict[Contestant, float]:
    """Root mean square errors of all solvers on all grids, and of one more, on starts of their own; without the bench engine."""
    x = zoo.SeededNoise(SEED, range(STARTS), model.shape, torch.float64).start().fresh() * model.sde.prior_std(
        model.sde.t_max
    )
    ends: dict[tuple[float, float], torch.Tensor] = {}
    errors = {}
    for who in [extra, *(Contestant(*pair) for pair in product(eligible(NFE, noisy=False), everywhere()))]:
        try:
            run = zoo.sample(model, solver=who.solver, grid=who.grid, nfe=NFE, x=x.float())
        except zoo.ZooError:
            continue
        span = run.grid[0], run.grid[-1]
        if span not in ends:
            batches = [reference_flow(model, part, *map(model.sde.at, span), rtol=1e-9) for part in x.split(64)]
            ends[span] = torch.cat(batches)
        errors[who] = float((run.x - ends[span]).square().mean().sqrt())
    return errors


def trial(number: int) -> float:
    """How many times the best error of the whole study the recommended solver's is."""
    folder = Path(tempfile.mkdtemp(prefix="zoo-recommend-"))
    model = f"{HERE / 'unseen_models.py'}:model{number}"
    executor = registry.default().make("executor", "processes")
    try:
        began = time.perf_counter()
        advice: Advice = recommend(model, NFE, Store(folder), executor, stochastic="no")
        seconds = time.perf_counter() - began
        pick = Contestant(advice.pick.solver, advice.pick.grid)
        errors = league(getattr(unseen_models, f"model{number}"), pick)
        best = min(errors, key=lambda who: errors[who])
        ratio = errors[pick] / errors[best]
        print(
            f"model{number}: {pick.solver} on {pick.grid} {errors[pick]:.4g} in {seconds:.0f} s; best of {len(errors)}: {best.solver} on "
            f"{best.grid} {errors[best]:.4g}; ratio {ratio:.3f}",
            flush=True,
        )
        return ratio
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    ratios = [trial(int(number)) for number in (sys.argv[1:] or range(10))]
    print(f"{sum(ratio <= 1.1 for ratio in ratios)} of {len(ratios)} within 10 %")
