"""A progress bar for runs that last."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from solvers_zoo.cli import common

#: Seconds a run may take before a bar is worth a look.
PATIENCE = 2.0


class Progress:
    """Called with (done, in all); shows a bar on stderr once the run has lasted two seconds."""

    def __init__(self, what: str, wanted: bool = True, unit: str = "steps") -> None:
        self.what, self.unit, self.began = what, unit, perf_counter()
        self.wanted = wanted and common.stderr().is_terminal
        self.bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Show how far the run is."""
        if not self.wanted or (self.bar is None and perf_counter() - self.began < PATIENCE):
            return
        if self.bar is None:
            from rich import progress

            columns = (
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn(self.unit),
                progress.TimeRemainingColumn(),
            )
            self.bar = progress.Progress(*columns, console=common.stderr(), transient=True)
            self.bar.add_task(self.what, total=total)
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=done, total=total)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


class Rounds:
    """Called with (round, done, in all): a bar for each round of a search."""

    def __init__(self, wanted: bool = True) -> None:
        self.wanted, self.name = wanted, ""
        self.bar: Progress | None = None

    def __call__(self, name: str, done: int, total: int) -> None:
        """Show how far a round is."""
        if name != self.name:
            self.__exit__()
            self.name, self.bar = name, Progress(name, self.wanted, unit="runs")
        assert self.bar is not None
        self.bar(done, total)

    def __enter__(self) -> Rounds:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.__exit__()
