"""Which solver, grid and options to use on a model for a budget: a short sweep in rounds, each with fewer contestants.

    scouts    every solver that the budget pays for, on the process's own grid, the uniform log-SNR grid and a grid fitted to DDIM
    grids     the best of them, on every grid
    options   the best pairs, with each of their choices and switches the other way
    final     the best of all, on fresh starts and several seeds

The error is the distance from where the exact flow takes the same starts, so a difference between two solvers shows on few starts:
nothing is sampled, and what varies from seed to seed is the same for both. It is a root mean square, as in a larger sweep: a solver
that goes astray from few starts has lost. How sure the answer is comes from the final alone, whose
seeds no earlier round has seen. Stochastic solvers, which follow no flow, compete by the energy distance between their samples and the
exact law; so does the best deterministic one, where both kinds are asked for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass, replace
from statistics import fmean
from typing import Any

from solvers_zoo import registry
from solvers_zoo.bench.ranking import Contestant
from solvers_zoo.bench.record import DONE, FAILED, Record
from solvers_zoo.bench.run import bench
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.sweep import Sweep
from solvers_zoo.errors import IncompatibleError, ZooError
from solvers_zoo.executors.base import Executor
from solvers_zoo.registry.defaults import SCOUTED

STRONG, ENERGY = "strong", "energy"

#: Contestants that a round keeps, and seeds of the final.
SOLVERS, PAIRS, FINALISTS, SEEDS = 16, 6, 8, 8

#: Starts of a deterministic run by round, and samples of a stochastic one. The final's are many: where a flow parts between two
#: modes few starts have most of the error.
STARTS, SAMPLES = {"scouts": 64, "grids": 64, "options": 64, "final": 256}, 2000

#: Seeds of the rounds before the final are counted from here, so that the final has its own.
_EARLIER = 1000

#: Student's t at 97.5 %, by degrees of freedom up to 15.
_T = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


@dataclass(frozen=True)
class Standing:
    """A finalist and how it did."""

    solver: str
    grid: str
    error: float
    """Root mean square over the final's seeds."""
    nfe: int
    stochastic: bool
    ratio: float
    """Its error over the winner's; 1 for the winner."""
    low: float
    """95 % interval of that ratio, by leaving out every seed once."""
    high: float
    fit_nfe: int = 0
    """Evaluations that fitting its grid takes, once; not part of ``nfe``."""


@dataclass(frozen=True)
class Advice:
    """The answer.

    Attributes:
        model: what it is for.
        nfe: the budget.
        metric: what was compared: ``strong`` or ``energy``.
        standings: finalists, the best first.
        tried: how many combinations of solver, grid and options were run.
        note: what else is to be known, in a sentence; empty where nothing is.

    """

    model: str
    nfe: int
    metric: str
    standings: tuple[Standing, ...]
    tried: int
    note: str = ""

    @property
    def pick(self) -> Standing:
        """The winner."""
        return self.standings[0]

    @property
    def rivals(self) -> tuple[Standing, ...]:
        """Finalists that chance may have kept from winning."""
        return tuple(one for one in self.standings[1:] if one.low <= 1)

    @property
    def beaten(self) -> Standing | None:
        """The best of those that are worse beyond chance."""
        return next((one for one in self.standings[1:] if one.low > 1), None)


def recommend(
    model: str,
    nfe: int,
    store: Store,
    executor: Executor,
    *,
    stochastic: str = "any",
    sweep: Sweep | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Advice:
    """Find the best solver, grid and options for a model and a budget.

    Args:
        model: specification, or ``path/to/file.py:name``.
        nfe: evaluations a sample.
        store: where cells are kept; a second call finds them there.
        executor: what runs them.
        stochastic: ``no``, ``yes`` or ``any``.
        sweep: its process, dtype, device, limit, plugins, denoise and start are taken over.
        progress: called with (round, cells finished, cells in all).

    Raises:
        IncompatibleError: no solver can run.

    """
    base = replace(sweep or Sweep(), models=(model,), nfe=(nfe,), steps=(), repeats=0)
    search = _Search(base, store, executor, progress)
    found = []
    if stochastic in ("no", "any"):
        found.append(search.best(eligible(nfe, noisy=False), STRONG))
    if stochastic in ("yes", "any"):
        found.append(search.best(eligible(nfe, noisy=True), ENERGY))
    sides = [side for side in found if side]
    if not sides:
        raise IncompatibleError(
            f"No solver can run on {model} with {nfe} evaluations; "
            + (f"most often: {search.usual}" if search.usual else "allow more, or other kinds of solvers.")
        )
    standings, metric, note = sides[0], ENERGY if stochastic == "yes" else STRONG, ""
    if len(sides) > 1:
        standings, metric, note = _joined(search, *sides)
    return Advice(model, nfe, metric, tuple(standings), len(search.tried), note)


def eligible(nfe: int, noisy: bool) -> list[str]:
    """Solvers of a kind that the budget pays for; equal ones (aliases of a card's own words) once."""
    names = []
    for entry in registry.default().entries("solver"):
        card: Any = entry.card
        if card.stochastic != noisy or card.batch_coupled or card.adaptive or card.implicit or card.stationary:
            continue
        cost = registry.default().make("solver", card.name).nfe(1)
        if cost is not None and cost <= nfe:
            names.append(card.name)
    return names


def everywhere() -> list[str]:
    """Grid rules that need no options, and whose defaults are there."""
    entries = registry.default().entries("grid")
    names = [entry.card.name for entry in entries if MISSING not in entry.cls.defaults().values()]
    return [name for name in names if _known(name)]


class _Search:
    """The rounds of one search, and what they have run."""

    def __init__(
        self, base: Sweep, store: Store, executor: Executor, progress: Callable[[str, int, int], None] | None
    ) -> None:
        self.base, self.store, self.executor, self.progress = base, store, executor, progress
        self.tried: set[Contestant] = set()
        self.reasons: Counter[str] = Counter()

    @property
    def usual(self) -> str:
        """Why most of the cells that failed did, or nothing."""
        return next((reason for reason, _ in self.reasons.most_common(1)), "")

    def best(self, solvers: Sequence[str], metric: str) -> list[Standing]:
        """The final's standings, the best first; empty where nothing could run."""
        scouted = [grid for grid in SCOUTED if not grid or _known(grid)]
        own = self._round("scouts", [(solver, grid) for solver in solvers for grid in scouted], metric, 0)
        names = list(dict.fromkeys(who.solver for who in own))[:SOLVERS]
        grids = everywhere()
        pairs = self._round("grids", [(name, grid) for name in names for grid in grids], metric, 1)[:PAIRS]
        varied = [(spec, who.grid) for who in pairs for spec in (who.solver, *_variants(who.solver))]
        last = self._round("options", varied, metric, 2)[:FINALISTS]
        return self.final([(who.solver, who.grid) for who in last], metric)

    def _round(self, name: str, pairs: Iterable[tuple[str, str]], metric: str, number: int) -> list[Contestant]:
        """Run pairs of solver and grid on one seed; those that could, the best first."""
        records = self._run(name, pairs, metric, (_EARLIER + number,))
        errors: dict[float, Contestant] = {}  # what gives the same numbers is the same method under another name
        for record in records:
            errors.setdefault(float(f"{_error(record, metric):.12g}"), Contestant(record.cell.solver, record.cell.grid))
        return [errors[error] for error in sorted(errors)]

    def final(self, pairs: Sequence[tuple[str, str]], metric: str) -> list[Standing]:
        """Standings over fresh seeds."""
        records = self._run("final", pairs, metric, tuple(range(SEEDS)))
        errors: dict[Contestant, dict[int, float]] = {}
        facts: dict[Contestant, Record] = {}
        for record in records:
            who = Contestant(record.cell.solver, record.cell.grid)
            errors.setdefault(who, {})[record.cell.seed] = max(_error(record, metric), 1e-150)
            facts[who] = record
        whole = {who: [seeds[seed] for seed in sorted(seeds)] for who, seeds in errors.items() if len(seeds) == SEEDS}
        if not whole:
            return []
        order = sorted(whole, key=lambda who: _rms(whole[who]))
        return [_standing(who, facts[who], whole[who], whole[order[0]]) for who in order]

    def _run(self, name: str, pairs: Iterable[tuple[str, str]], metric: str, seeds: tuple[int, ...]) -> list[Record]:
        """The finished cells of pairs; those that cannot run are left out."""
        by_grid: dict[str, list[str]] = {}
        for solver, grid in pairs:
            by_grid.setdefault(grid, []).append(solver)
        sweeps = []
        for grid, solvers in by_grid.items():
            n = STARTS[name] if metric == STRONG else SAMPLES
            measure = f"{STRONG}(trajectories={n})" if metric == STRONG else metric
            sweeps.append(
                replace(
                    self.base,
                    solvers=tuple(dict.fromkeys(solvers)),
                    grids=(grid,) if grid else (),
                    seeds=seeds,
                    n=n,
                    metrics=(measure,),
                )
            )
        tell = self.progress

        def finished(_: Record, done: int, total: int) -> None:
            if tell is not None:
                tell(name, done, total)

        records = bench(sweeps, self.store, self.executor, name=f"recommend-{name}", finished=finished).records
        done = [record for record in records if record.status == DONE and record.result["figures"]]
        self.reasons.update(str(record.result["reason"]) for record in records if record.status == FAILED)
        self.tried |= {Contestant(record.cell.solver, record.cell.grid) for record in done}
        return done


def _known(grid: str) -> bool:
    """Whether the plugins that are loaded have the rule, and what its options name."""
    try:
        registry.grid(grid)
    except ZooError:
        return False
    return True


def _error(record: Record, metric: str) -> float:
    return float(
        next(figure["value"] for name, figure in record.result["figures"].items() if name.split("(")[0] == metric)
    )


def _variants(spec: str) -> list[str]:
    """A solver with each of its choices and switches the other way, one at a time."""
    solver = registry.default().make("solver", spec)
    found = []
    for name, option in solver.options().items():
        now = getattr(solver, name)
        others = [not now] if option.kind == "bool" else [each for each in option.choices or () if each != now]
        found += [str(replace(solver, **{name: other})) for other in others]
    return found


def _rms(errors: Sequence[float]) -> float:
    return math.sqrt(fmean(error * error for error in errors))


def _standing(who: Contestant, record: Record, errors: list[float], best: list[float]) -> Standing:
    """A finalist beside the winner: the ratio of their errors, and its interval by the jackknife over seeds in pairs."""
    n = len(best)
    gap = math.log(_rms(errors) / _rms(best))
    without = [math.log(_rms(errors[:k] + errors[k + 1 :]) / _rms(best[:k] + best[k + 1 :])) for k in range(n)]
    reach = _T[min(n - 2, len(_T) - 1)] * math.sqrt((n - 1) / n * sum((one - fmean(without)) ** 2 for one in without))
    return Standing(
        who.solver,
        who.grid,
        _rms(errors),
        record.result["nfe"],
        record.result["stochastic"],
        math.exp(gap),
        math.exp(gap - reach),
        math.exp(gap + reach),
        record.result["fit_nfe"],
    )


def _joined(search: _Search, flows: list[Standing], noisy: list[Standing]) -> tuple[list[Standing], str, str]:
    """The best of both kinds by the energy distance; the flow's winner stays unless the noisy one is better beyond chance."""
    both = search.final([(one.solver, one.grid) for one in (flows[0], noisy[0])], ENERGY)
    if both and both[0].stochastic and both[1].low > 1:
        other = flows[0]
        note = (
            f"Among deterministic solvers {other.solver} on {other.grid} is best; the samples of {noisy[0].solver} are closer to the "
            f"exact law by {both[1].ratio:.2g} times in energy distance."
        )
        return noisy, ENERGY, note
    note = f"The best stochastic solver, {noisy[0].solver} on {noisy[0].grid}, is not better beyond chance."
    return flows, STRONG, note
