"""Tasks as jobs of a Slurm cluster."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from solvers_zoo import Executor, ExecutorCard, OptionError, Source, option
from solvers_zoo.executors import Failure, Tries, pack_items, pack_task
from zoo_slurm.arrays import Arrays

T = TypeVar("T")
R = TypeVar("R")

#: Most jobs of one array, below what clusters allow unless told otherwise (MaxArraySize = 1001).
_MOST_JOBS = 1000
#: Minutes that a job may take where neither its user nor a limit of its tasks says.
_MINUTES = 60
#: Seconds for a task's way to its node, on top of its limit.
_START = 60.0


class Slurm(Executor):
    """Tasks as jobs of a Slurm cluster, one array a run, through submitit's sbatch.

    Jobs go on when the shell that submitted them is closed; what they put into a store is there the next time. A job that is
    killed, preempted or lost with its node is submitted once more, without what it had finished. The end of what it wrote on stderr
    is part of the reason why it failed. Ctrl-C calls all jobs off.
    """

    workers: int = option(64, low=1, help="most jobs at a time")
    batch: int = option(1, low=1, help="tasks a job, done one after the other")
    partition: str | None = option(None, kind="str", help="where jobs run; the cluster's default")
    account: str | None = option(None, kind="str", help="who pays")
    time: int | None = option(None, kind="int", low=1, help="minutes a job; by default from the tasks' limit, or 60")
    cpus: int = option(1, low=1, help="cores a job; a task has one thread")
    gpus: int = option(0, low=0, help="GPUs a job")
    memory: float | None = option(None, kind="float", above=0, help="GB a job; the cluster's default")
    extra: str = option("", help="anything else that sbatch takes: qos=high,constraint=a100")
    folder: str = option("zoo-jobs", help="where tasks and results lie; all machines must see it")
    poll: float = option(5.0, above=0, help="seconds between questions to Slurm")

    card = ExecutorCard(
        name="slurm",
        title="Job arrays of a Slurm cluster",
        source=Source(authors="The submitit authors", title="submitit", where="SlurmExecutor"),
        extra="slurm",
    )

    def check(self) -> None:
        """Refuse what sbatch could not read."""
        self.flags()

    @property
    def slots(self) -> int:
        """Most jobs at a time."""
        return self.workers

    def supports(self) -> str:
        """Whether submitit is installed and this machine may submit jobs."""
        if importlib.util.find_spec("submitit") is None:
            return 'submitit is not installed; pip install "solvers-zoo[slurm]" fixes that'
        if shutil.which("sbatch") is None:
            return "there is no sbatch on this machine; run it where jobs of the cluster are submitted"
        return ""

    def run(
        self, task: Callable[[T], R], items: Sequence[T], limit: float | None = None
    ) -> Generator[tuple[int, R | Failure], None, None]:
        """See `Executor.run`.

        Raises:
            OptionError: a task that cannot be sent.
            ZooError: Slurm does not take the jobs.
            StorageError: the folder cannot be written.

        """
        batch = max(self.batch, math.ceil(len(items) / _MOST_JOBS))
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(3).hex()}"
        folder = Path(self.folder).resolve() / name
        return Arrays(folder, self.parameters(batch, limit), batch, limit, self.poll).results(
            pack_task(task), Tries(pack_items(items))
        )

    def parameters(self, batch: int, limit: float | None) -> dict[str, Any]:
        """What submitit is told of every job."""
        seconds = _MINUTES * 60 if limit is None else batch * (limit + self.grace + _START)
        wanted = {
            "job_name": "zoo",
            "array_parallelism": self.workers,
            "partition": self.partition,
            "account": self.account,
            "time": self.time or math.ceil(seconds / 60),
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus or None,
            "mem": None if self.memory is None else f"{math.ceil(self.memory * 1000)}M",
            "additional_parameters": self.flags() or None,
        }
        return {key: value for key, value in wanted.items() if value is not None}

    def flags(self) -> dict[str, Any]:
        """The ``extra`` options of sbatch; one without a value is a switch."""
        found: dict[str, Any] = {}
        for word in filter(None, (word.strip() for word in self.extra.split(","))):
            name, equals, value = word.removeprefix("--").partition("=")
            if not name.replace("-", "").isalnum():
                raise OptionError(f"slurm: extra = {self.extra!r} is not possible; it takes name=value,name=value.")
            found[name] = value if equals else True
        return found
