"""Ray as an executor. Needs the extra ``ray``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_ray.executor import Ray


@hookimpl
def zoo_executors() -> Iterable[Any]:
    """The one executor."""
    return [Ray]
