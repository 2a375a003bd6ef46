"""DDPM and DDIM: ancestral sampling and its deterministic relative."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_ddpm.ddim import DDIM
from zoo_ddpm.ddpm import DDPM


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The solvers of this family."""
    return [DDIM, DDPM]
