"""The command line: `zoo` reads the arguments, calls the package and prints the answer.

`main` is the entry point ``zoo``. Every command prints its result on stdout and everything else on stderr. An error is one sentence and exit status 1, a
misuse of the command line 2, Ctrl-C 130; ``ZOO_DEBUG=1`` adds the traceback.
"""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from solvers_zoo.cli.collector import paused
from solvers_zoo.errors import ZooError


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run ``zoo`` with ``arguments`` (the process's own by default) and exit with its status."""
    with paused():
        from solvers_zoo.cli.app import app
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign that the terminal's encoding lacks is no reason to fail
    try:
        status = app(args=arguments, prog_name="zoo", standalone_mode=False)
    except ZooError as error:
        status = _fail(str(error), getattr(error, "status", 1))
    except KeyboardInterrupt:
        status = _fail("Stopped.", 130)
    except Exception as error:
        status = _unexpected(error)
    sys.exit(status if isinstance(status, int) else 0)


def _unexpected(error: Exception) -> int:
    misuse = getattr(error, "format_message", None)  # Typer's own errors; its releases draw them from different bases
    if misuse is not None:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "zoo"
        sentence = re.sub(r"Input should be a valid integer.*", "it takes a whole number", misuse().strip())
        sentence = sentence.replace("Value error, ", "").rstrip(".")
        return _fail(f"{sentence}{'' if sentence.endswith('?') else '.'} `{command} --help` shows how.", 2)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return _fail(f"Something unforeseen went wrong ({what}); run it again with ZOO_DEBUG=1 to see where.", 1)


def _fail(sentence: str, status: int) -> int:
    if os.environ.get("ZOO_DEBUG", "") not in ("", "0"):
        traceback.print_exc()
    red, plain = ("\x1b[1;31m", "\x1b[0m") if sys.stderr.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"{red}Error:{plain} {sentence}", file=sys.stderr)  # noqa: T201
    return status
