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
                progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn(),
                progress.TextColumn(self.unit), progress.TimeRemainingColumn(),
            )  # fmt: skip
            self.bar = progress.Progress(*columns, console=common.stderr(), transient=True)
            self.bar.add_task(self.what, total=total)
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=done, total=total)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()
