"""One run on a cluster: submit, wait, submit again what was lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solvers_zoo import StorageError, ZooError
from solvers_zoo.executors import Failure, Tries, open_result
from zoo_slurm.job import Desk, work_through
from zoo_slurm.queue import call_off, cause, waiting_or_running

#: Seconds between looks at the folder of results, at least and at most.
_SOON, _LATER = 0.1, 1.0


@dataclass
class _Job:
    """A job, the items that are its, where its stderr goes, and how often in a row Slurm did not know it."""

    id: str
    numbers: Sequence[int]
    stderr: Path
    missing: int = 0


class Arrays:
    """The job arrays of one run.

    Args:
        folder: of this run alone.
        parameters: what submitit is told.
        batch: items a job.
        limit: seconds an item.
        poll: seconds between questions to Slurm.

    """

    def __init__(self, folder: Path, parameters: dict[str, Any], batch: int, limit: float | None, poll: float) -> None:
        self.desk, self.parameters, self.batch, self.limit, self.poll = Desk(folder), parameters, batch, limit, poll
        self.open: set[int] = set()
        self.jobs: list[_Job] = []

    def results(self, task: bytes, tries: Tries) -> Generator[tuple[int, Any], None, None]:
        """Items and what became of them, as they finish."""
        yield from tries.unsent
        if not tries.items:
            return
        kept = True
        self.open = set(tries.items)
        try:
            self._lay_out(task, tries.items)
            self._submit(tries)
            asked, pause, failed = time.monotonic(), _SOON, False
            while self.open:
                found = list(self._finished())
                if time.monotonic() - asked >= self.poll:
                    gone = self._gone()
                    found += self._finished()  # what they finished last
                    lost = list(self._lost(gone, tries))
                    failed |= bool(lost)
                    found, asked = found + lost, time.monotonic()
                pause = _SOON if found else min(pause * 1.2, _LATER, self.poll)
                yield from found
                if not found:
                    time.sleep(pause)
            kept = failed
        finally:
            if self.open:
                call_off([job.id for job in self.jobs])
                kept = False
            if not kept:
                shutil.rmtree(self.desk.folder, ignore_errors=True)

    def _lay_out(self, task: bytes, items: dict[int, bytes]) -> None:
        try:
            self.desk.prepare(task, items)
        except OSError as error:
            raise StorageError(f"{self.desk.folder} cannot be written: {error.strerror or error}.") from None

    def _submit(self, tries: Tries) -> None:
        """Make jobs of all items that wait."""
        import submitit

        numbers = list(tries.waiting)
        tries.waiting.clear()
        batches = [numbers[first : first + self.batch] for first in range(0, len(numbers), self.batch)]
        try:
            executor = submitit.SlurmExecutor(folder=self.desk.logs)
            executor.update_parameters(**self.parameters)
            jobs = executor.map_array(
                work_through, [str(self.desk.folder)] * len(batches), batches, [self.limit] * len(batches)
            )
        except Exception as error:  # whatever sbatch complained of, in submitit's own errors
            said = " ".join(str(error).split())
            raise ZooError(f"Slurm did not take the jobs: {said}") from error
        self.jobs += [_Job(job.job_id, mine, Path(job.paths.stderr)) for job, mine in zip(jobs, batches, strict=True)]

    def _finished(self) -> Iterator[tuple[int, Any]]:
        for number in sorted(self.open & self.desk.results()):
            self.open.discard(number)
            yield number, open_result(self.desk.result(number))
        self.jobs = [job for job in self.jobs if not self.open.isdisjoint(job.numbers)]

    def _gone(self) -> list[_Job]:
        """Jobs that Slurm does not know any more."""
        known = waiting_or_running([job.id for job in self.jobs])
        if known is None:  # a controller that restarts; the jobs do not mind
            return []
        for job in self.jobs:
            job.missing = 0 if job.id in known else job.missing + 1
        return [job for job in self.jobs if job.missing > 1]  # twice: the files of a shared folder may be seen late

    def _lost(self, gone: Sequence[_Job], tries: Tries) -> Iterator[tuple[int, Failure]]:
        """Submit again what jobs left that are gone, and give up what they lost too often."""
        for job in gone:
            left = [number for number in job.numbers if number in self.open]
            begun = [number for number in left if self.desk.begun(number)]
            kind, said = cause(job.stderr.read_text(errors="replace") if job.stderr.exists() else "")
            for number in left:
                if begun and number not in begun:  # it is not to blame, unless the job never got anywhere
                    tries.waiting.append(number)
                    continue
                failure = self._failure(kind, said, job)
                reason = failure if kind == "timeout" else tries.lost(number, failure)
                if reason is not None:
                    self.open.discard(number)
                    yield number, reason
        self.jobs = [job for job in self.jobs if job not in gone]
        if tries.waiting:
            self.desk.put_out(tries.waiting)
            self._submit(tries)

    def _failure(self, kind: str, said: str, job: _Job) -> Failure:
        if kind == "timeout" and self.limit is not None:
            return Failure.timeout(self.limit, said)
        where = f"as job {job.id} (" + (f"it said: {said}" if said else "it said nothing") + f"; {job.stderr})"
        if kind == "memory":
            return Failure("memory", f"Slurm ended it because it ran out of memory, {where}; memory=GB asks for more.")
        if kind == "walltime":
            return Failure("timeout", f"Slurm ended it because its time was up, {where}; time=MINUTES asks for more.")
        return Failure.lost(where)
