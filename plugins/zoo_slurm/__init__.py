"""Slurm as an executor: job arrays through submitit. Needs the extra ``slurm``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_slurm.executor import Slurm


@hookimpl
def zoo_executors() -> Iterable[Any]:
    """The one executor."""
    return [Slurm]
