"""Every error of the zoo, drawn once.

    ZooError                  anything the zoo refuses or could not do; exit status 1
    ├── UnknownNameError      no solver, SDE, model or grid of that name (near names are suggested)
    ├── AmbiguousNameError    two distributions claim the name; ``dist:name`` picks one
    ├── OptionError           a misspelt or impossible option
    ├── IncompatibleError     this solver cannot run on this process, grid or model, and why
    ├── DomainError           a time, grid or conversion outside what is defined
    ├── ModelError            the model returned something unusable (a wrong shape)
    │   └── NotFiniteError    a run that gave NaN or infinite values, and where they began
    ├── PluginError           a plugin that does not load, or breaks the rules of the registry
    ├── StorageError          a file that cannot be written, or is not what it should be
    └── Interrupted           stopped by the user; carries what was finished

A message has three parts: what happened with its values, why, and what fixes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class ZooError(Exception):
    """Base of all errors that are the user's to fix."""


class UnknownNameError(ZooError):
    """No such name in the registry."""

    def __init__(self, kind: str, name: str, known: Iterable[str], command: str = "") -> None:
        """Say which ``kind`` of thing was asked for, what is near, and the ``command`` that lists all."""
        near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
        listing = f" `{command}` shows all." if command else ""
        super().__init__(f"There is no {kind} named {name!r}.{hint}{listing}")


class AmbiguousNameError(ZooError):
    """Two distributions claim one name."""


class OptionError(ZooError):
    """An option that does not exist, or a value it cannot take."""


class IncompatibleError(ZooError):
    """A solver, model, process or grid that do not go together."""


class DomainError(ZooError):
    """A value outside the domain where a formula is defined."""


class ModelError(ZooError):
    """A model that returned something a sampler cannot use."""


class NotFiniteError(ModelError):
    """A run that gave values that are not finite."""


class PluginError(ZooError):
    """A plugin that cannot be loaded."""


class StorageError(ZooError):
    """A file that cannot be read or written."""


class Interrupted(ZooError):
    """The run was stopped; ``result`` holds what was finished and resumes it."""

    def __init__(self, message: str, result: Any) -> None:
        """Keep the partial ``result``, a `Result`; its class stands far above this file, which imports nothing."""
        super().__init__(message)
        self.result = result


def one_line(error: BaseException) -> str:
    """An exception's class and text in one line, as messages quote it."""
    return " ".join(f"{type(error).__name__}: {error}".split())
