"""Asking Slurm which jobs it still knows, and calling them off. Needs no accounting, which small clusters lack."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence

#: Seconds that Slurm may take for an answer.
_PATIENCE = 60
#: What squeue says of jobs that it has forgotten.
_FORGOTTEN = "Invalid job id"
#: Lines that say nothing of why a job ended.
_CHATTER = re.compile(r"submitit|^srun: (?!error)")


def waiting_or_running(jobs: Iterable[str]) -> set[str] | None:
    """Those of ``jobs`` (``12`` or ``12_3``) that Slurm still has in its queue; None where it gives no answer."""
    arrays = sorted({job.split("_")[0] for job in jobs})
    known: set[str] = set()
    for array in arrays:  # one by one: a single forgotten one spoils the answer for all
        answer = _ask("squeue", "--noheader", "--array", "--format=%i", f"--jobs={array}")
        if answer is None or (answer.returncode and _FORGOTTEN not in answer.stderr):
            return None
        known |= set(answer.stdout.split())
    return known


def call_off(jobs: Sequence[str]) -> None:
    """Have jobs ended, whether they run or wait."""
    arrays = sorted({job.split("_")[0] for job in jobs})
    if arrays:
        _ask("scancel", *arrays)


def cause(stderr: str) -> tuple[str, str]:
    """Kind of failure (``walltime`` is Slurm's own limit) and what there is to say, from the end of what a job wrote."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not _CHATTER.search(line)]
    said = " / ".join(lines[-4:])[-400:]
    if watchdog := re.search(r"^Timeout \(\d+:\d\d:\d\d", stderr, re.MULTILINE):
        return "timeout", stderr[watchdog.start() :]
    if re.search(r"oom.?kill|out.of.memory", stderr, re.IGNORECASE):
        return "memory", said
    if "DUE TO TIME LIMIT" in stderr:
        return "walltime", said
    return "lost", said


def _ask(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
