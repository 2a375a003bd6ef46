"""Running ``zoo`` as a user does: a process of its own, its two streams apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ZOO = str(Path(sys.executable).with_name("zoo"))


@dataclass(frozen=True)
class Run:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON, and nothing but JSON."""
        return json.loads(self.out)


def _heeds_ctrl_c() -> None:
    """As in a terminal; a test run in the background of a shell is told to ignore it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_zoo(*arguments: object, cwd: Path | None = None, path: Path | None = None, **variables: str) -> Run:
    """Run ``zoo`` with ``arguments``, ``path`` in front of the import path, and environment variables."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ZOO_", "COLUMNS", "_ZOO"))}
    search = {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run(
        [ZOO, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        env={**kept, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8", **search, **variables},
        preexec_fn=_heeds_ctrl_c,
    )
    return Run(done.returncode, done.stdout, done.stderr)


#: Runs command lines one after another, each in a fork of a process that has imported the command line and nothing more.
_FORKS = """
import json, os, sys, tempfile
import solvers_zoo.cli.app
from solvers_zoo.cli import main

results = []
for arguments in json.load(sys.stdin):
    streams = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
    child = os.fork()
    if child == 0:
        for number, stream in enumerate(streams, 1):
            os.dup2(stream.fileno(), number)
        main(arguments)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = []
    for stream in streams:
        stream.seek(0)
        texts.append(stream.read().decode())
    results.append([status, *texts])
json.dump(results, sys.stdout)
"""


def run_each(lines: Iterable[list[str]], cwd: Path) -> list[Run]:
    """Run many command lines that need no torch; only the first import is shared."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ZOO_", "COLUMNS", "_ZOO"))}
    done = subprocess.run(
        [sys.executable, "-c", _FORKS],
        input=json.dumps(list(lines)),
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        encoding="utf-8",
        env={**environment, "PYTHONIOENCODING": "utf-8"},
    )
    return [Run(*result) for result in json.loads(done.stdout)]


def assert_one_sentence(run: Run, status: int, *words: str) -> None:
    """An error is one line on stderr that says ``words``, and nothing on stdout."""
    assert run.status == status, (run.out, run.err)
    assert run.out == ""
    assert len(run.err.splitlines()) == 1, run.err
    assert run.err.startswith("Error: ")
    assert "Traceback" not in run.err
    for word in words:
        assert word in run.err, run.err
