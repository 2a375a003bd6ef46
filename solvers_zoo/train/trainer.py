"""The loop: every batch, time and noise has an address, so a run that is resumed is the run that was not stopped, bit for bit."""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from solvers_zoo import registry
from solvers_zoo.errors import ModelError, OptionError
from solvers_zoo.noise.base import Draws
from solvers_zoo.noise.numbers import START
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.processes.base import SDE
from solvers_zoo.score_models.network import NetworkModel
from solvers_zoo.train.batches import Batches
from solvers_zoo.train.data import Data
from solvers_zoo.train.guards import held_back, ordered
from solvers_zoo.train.parallel import Workers
from solvers_zoo.train.settings import Settings, suitable_batch, suitable_network
from solvers_zoo.train.state import State, read_state

#: Steps of a timed warm-up, the first few of which do not count; share of the minutes that is left to files.
_TIMED, _COLD, _RESERVE = 24, 8, 0.03
#: Held-out samples looked at, and how often each, at other times and noise.
_LOOKED_AT, _LOOKS = 512, 4
#: Weight of a new loss in the smoothed one.
_NEW = 0.02


@dataclass(frozen=True)
class Report:
    """How a run is going: after step ``step`` of ``steps`` (None while its first steps are timed), ``score`` held out."""

    step: int
    steps: int | None
    loss: float
    score: float
    left: float
    """Seconds to go, as far as can be told."""
    evaluated: bool = False


class Trainer:
    """A run of `Settings` on `Data`.

    Args:
        settings: all that settles the result.
        data: the data that they name.
        keep: file in which the run's state is kept as it goes, or None.
        every: seconds between two states on disk, at least.
        report: called after every step.
        preview: called with the model and the step at every evaluation.

    """

    def __init__(
        self,
        settings: Settings,
        data: Data,
        keep: Path | None = None,
        every: float = 20.0,
        report: Callable[[Report], None] | None = None,
        preview: Callable[[NetworkModel, int], None] | None = None,
    ) -> None:
        found = registry.default()
        torch.set_num_threads(settings.threads)
        network = found.make("network", settings.network or suitable_network(data.shape))
        self.objective, sde = found.make("objective", settings.objective), found.make("sde", settings.sde)
        self.batch = settings.batch or suitable_batch(data.shape)
        settings = settings.replace(batch=self.batch, network=str(network), sde=str(sde))
        self.settings = settings = settings.replace(objective=str(self.objective))  # two spellings are one
        self.data, self.keep, self.every, self.report, self.preview = data, keep, every, report, preview
        self.workers = Workers()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            net = network.build(data.shape, data.classes)
        self.model = self._model(net, sde)
        ema = copy.deepcopy(net).eval().requires_grad_(False)
        optimizer = torch.optim.AdamW(
            net.parameters(), lr=0.0, betas=(0.9, 0.99), fused=True, weight_decay=settings.decay
        )
        self.state = State(net, ema, optimizer)
        self.averaged = self.model.around(ema)
        order = SeededNoise(settings.seed, range(len(data.x)), ()).uniform(START, 0, 0).argsort()
        held = min(len(order) - 1, round(len(order) * settings.held_out))
        self.held, self.rows = order[:held][:_LOOKED_AT], order[held:]
        mine = self.workers.share(self.batch)
        self.places = torch.arange(mine.start, mine.stop)
        self.noise = SeededNoise(settings.seed, mine, data.shape)
        self.batches = Batches(self.rows, settings.seed, self.batch, self.places)

    def _model(self, net: nn.Module, sde: SDE) -> NetworkModel:
        settings, data = self.settings, self.data
        edm = settings.prediction == "edm"
        return NetworkModel(
            net,
            sde,
            "x0" if edm else settings.prediction,
            data.shape,
            data.classes,
            sigma_data=float(data.x.std()) if edm else None,
            frequencies=data.frequencies,
            spec=settings.network,
        )

    # -- the run -------------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Take up the state that is kept.

        Raises:
            OptionError: it is of a run with other settings or data.
            StorageError: there is none, or it is damaged.

        """
        assert self.keep is not None
        kept, card, tensors = read_state(self.keep)
        mine, theirs = self.settings.facts(), kept.facts()
        for name in ("steps", "minutes"):
            if mine[name] is None:
                mine[name] = theirs[name]
        other = [f"{name} = {mine[name]!r} (was {theirs[name]!r})" for name in mine if mine[name] != theirs[name]]
        if other:
            raise OptionError(f"The stopped run had other settings than these: {', '.join(other)}.")
        if card.get("data") != self.data.digest:
            raise OptionError(f"{self.data.name} are no longer the data that the stopped run was trained on.")
        self.settings = kept
        self.state.load(self.keep, card, tensors)

    def run(self) -> NetworkModel:
        """Train to the end, and give the model of the averaged weights with the best held-out score.

        Raises:
            ModelError: the loss is no longer finite.
            KeyboardInterrupt: Ctrl-C, after the step under way and once the state is kept.

        """
        began, saved = perf_counter() - self.state.seconds, perf_counter()
        laps: list[float] = []
        state = self.state
        try:
            with ordered(), held_back() as stopped:
                while not self._over():
                    lap = perf_counter()
                    self._step(state.step)
                    state.step += 1
                    laps = [*laps[-99:], perf_counter() - lap]
                    state.seconds = perf_counter() - began
                    fixed = self.settings.steps is None and self._fix_steps(laps)
                    evaluated = self._due(state.step)
                    if evaluated:
                        self._evaluate()
                    self._tell(laps, evaluated)
                    if fixed or stopped() or (evaluated and perf_counter() - saved > self.every):
                        self._save()  # after the evaluation of this step, which a resumed run does not take again
                        saved = perf_counter()
                    if stopped():
                        raise KeyboardInterrupt
        finally:
            self.workers.close()
        state.seconds = perf_counter() - began
        if state.best:
            state.ema.load_state_dict(state.best)
        return self.averaged

    def _step(self, step: int) -> None:
        settings, state = self.settings, self.state
        torch.manual_seed(hash((settings.seed, step)) & 0x7FFFFFFF)  # of networks with dropout
        rows = self.batches.rows(step)
        draws = self.noise.at(step)
        u = (self.places + draws.uniform()) / self.batch  # one time in every stratum
        label = self._labels(rows, draws)
        state.net.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
            losses = self.objective.losses(self.model, self.data.x[rows], u, draws, **label)
        loss = losses.sum() / (self.batch * math.prod(self.data.shape))
        state.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        value = loss.detach()
        self.workers.add([value, *(p.grad for p in state.net.parameters() if p.grad is not None)])
        norm = nn.utils.clip_grad_norm_(state.net.parameters(), settings.clip)
        if not math.isfinite(float(norm) + float(value)):
            raise ModelError(
                f"The loss is no longer finite at step {step} (learning rate {settings.rate(step):.2g}): lower lr, or clip less "
                "than now. Nothing was changed by this step."
            )
        for group in state.optimizer.param_groups:
            group["lr"] = settings.rate(step)
        state.optimizer.step()
        decay = settings.smoothing(step)
        with torch.no_grad():
            for mean, weight in zip(state.ema.parameters(), state.net.parameters(), strict=True):
                mean.lerp_(weight, 1 - decay)
            for old, new in zip(state.ema.buffers(), state.net.buffers(), strict=True):
                old.copy_(new)
        state.loss = float(value) if math.isnan(state.loss) else (1 - _NEW) * state.loss + _NEW * float(value)

    def _labels(self, rows: Tensor, draws: Draws) -> dict[str, Tensor]:
        if self.data.labels is None or self.data.classes is None:
            return {}
        label, withheld = self.data.labels[rows], draws.uniform() < self.settings.unlabelled
        return {"label": torch.where(withheld, self.data.classes, label)}

    # -- accounts ------------------------------------------------------------------------------------------------------

    def _over(self) -> bool:
        """Whether the last step is done, or patience is at its end."""
        state, settings = self.state, self.settings
        waited = sum(1 for step, _, _ in state.history if step > state.best_step)
        return state.step == settings.steps or 0 < settings.patience <= waited

    def _fix_steps(self, laps: list[float]) -> bool:
        """Turn minutes into steps once the first ones, all within the warm-up of the learning rate, have been timed."""
        settings, state = self.settings, self.state
        if state.step < min(_TIMED, settings.warmup):
            return False
        assert settings.minutes is not None
        each = statistics.median(laps[min(_COLD, len(laps) - 1) :])
        began = perf_counter()
        self.held_out_score()
        if self.preview is not None and self.workers.first:
            self.preview(self.averaged, state.step)
        looks = settings.evaluations * (perf_counter() - began)
        left = settings.minutes * 60 * (1 - _RESERVE) - state.seconds - looks
        steps = int(self.workers.agree(state.step + max(1, round(left / each))))
        self.settings = settings.replace(steps=steps)
        return True

    def _due(self, step: int) -> bool:
        steps = self.settings.steps
        return steps is not None and (step == steps or step % max(1, steps // self.settings.evaluations) == 0)

    def _evaluate(self) -> None:
        """Take the held-out score, and keep the weights if it is the best."""
        state = self.state
        score = self.workers.agree(self.held_out_score() if self.workers.first else 0.0)
        state.history.append((state.step, state.loss, score))
        if score < state.best_score or not state.best:
            state.best_score, state.best_step = score, state.step
            state.best = {name: value.clone() for name, value in state.ema.state_dict().items()}
        if self.preview is not None and self.workers.first:
            self.preview(self.averaged, state.step)

    def held_out_score(self) -> float:
        """The objective of the averaged weights on data that were kept apart, at the same times and noise whenever it is taken."""
        rows = (self.held if len(self.held) else self.rows[:_LOOKED_AT]).repeat(_LOOKS)
        noise = SeededNoise(~self.settings.seed, range(len(rows)), self.data.shape)
        draws = noise.data()
        u = (torch.arange(len(rows)) + draws.uniform()) / len(rows)
        u = u[draws.uniform().argsort()]
        label = {} if self.data.labels is None else {"label": self.data.labels[rows]}
        with torch.no_grad():
            losses = self.objective.losses(self.averaged, self.data.x[rows], u, draws, **label)
        return float(losses.double().mean()) / math.prod(self.data.shape)

    def _tell(self, laps: list[float], evaluated: bool) -> None:
        if self.report is not None and self.workers.first:
            state, steps = self.state, self.settings.steps
            if steps is None:
                left = max(0.0, (self.settings.minutes or 0) * 60 - state.seconds)
            else:
                left = (steps - state.step) * statistics.fmean(laps)
            score = state.history[-1][2] if state.history else math.nan
            self.report(Report(state.step, steps, state.loss, score, left, evaluated))

    def _save(self) -> None:
        if self.keep is not None and self.workers.first:
            self.state.save(self.keep, self.settings, self.data.digest)

    def facts(self) -> dict[str, Any]:
        """The training record, for the model's card."""
        state = self.state
        return {
            **self.settings.facts(),
            "objective": str(self.objective),
            "steps_done": state.step,
            "best_step": state.best_step,
            "held_out_score": state.best_score,
            "seconds": round(state.seconds, 1),
            "processes": self.workers.size,
            "torch": torch.__version__,
            "history": [[step, round(a, 5), round(b, 5)] for step, a, b in state.history],
        }
