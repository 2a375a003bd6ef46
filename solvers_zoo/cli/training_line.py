"""How a training run is going, on stderr."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING

from solvers_zoo.cli.words import clock

if TYPE_CHECKING:
    from solvers_zoo.train.trainer import Report, Trainer


class TrainingLine:
    """How it is going, on stderr: a line that changes on a terminal, one at every evaluation elsewhere."""

    def __init__(self, silent: bool) -> None:
        self.silent, self.shown, self.terminal = silent, 0.0, sys.stderr.isatty()

    def __enter__(self) -> TrainingLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal and self.shown:
            sys.stderr.write("\r\x1b[K")

    def begin(self, trainer: Trainer) -> None:
        """Say what is trained on what."""
        data, settings = trainer.data, trainer.settings
        if not self.silent and trainer.workers.first:
            classes = f", {data.classes} classes" if data.classes else ""
            sys.stderr.write(
                f"{settings.network}, {trainer.model.parameters:,} weights, on {data.name}: {len(data.x):,} samples of "
                f"{' x '.join(map(str, data.shape))}{classes}\n{trainer.objective} on {settings.sde}, "
                f"batches of {trainer.batch}, {settings.threads} threads\n"
            )

    def __call__(self, report: Report) -> None:
        """After every step."""
        now = perf_counter()
        if self.silent or not (report.evaluated or (self.terminal and now - self.shown > 0.25)):
            return
        self.shown = now
        of = "?" if report.steps is None else f"{report.steps:,}"
        score = "" if report.score != report.score else f"  held out {report.score:.4f}"
        text = f"step {report.step:,} of {of}  loss {report.loss:.4f}{score}  {clock(report.left)} left"
        sys.stderr.write(f"\r\x1b[K{text}" if self.terminal else f"{text}\n")
        sys.stderr.flush()
