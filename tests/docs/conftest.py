"""The site, built once for all tests of it, and a server for it."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from needs import require

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "hooks"))

#: MkDocs in a process that cannot open a connection.
_OFFLINE = """
import socket, sys

def refuse(*_, **__):
    raise OSError("the site is built without a network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(sys.argv[1:])
"""


def build(target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Build the site into ``target``, strictly and without a network."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", _OFFLINE, "build", "--strict", "--site-dir", str(target), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site; where tests run in several processes one builds and the others wait."""
    require("mkdocs")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, told = shared / "site", shared / "site.txt"
    try:
        (shared / "site.lock").mkdir()
    except FileExistsError:
        for _ in range(2400):
            if told.exists():
                break
            time.sleep(0.1)
    else:
        done = build(folder)
        part = told.with_suffix(".part")
        part.write_text(f"{done.returncode}\n{done.stdout}{done.stderr}")
        part.rename(told)
    status, words = told.read_text().split("\n", 1)
    assert status == "0", words
    assert "WARNING" not in words, words
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()
