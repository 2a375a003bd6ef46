"""The hooks of a plugin. All are optional.

    from solvers_zoo import hookimpl

    @hookimpl
    def zoo_solvers():
        return [MySolver]

Each returns an iterable of classes that carry a ``card``, or of `Deferred` where a class must inherit from torch and
is only to be imported when it is used. Nothing a plugin imports at module level may import torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pluggy

from solvers_zoo.registry.card import Card

PROJECT = "solvers_zoo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Deferred:
    """A registration whose class is imported when first used."""

    card: Card
    target: str
    """``"package.module:Class"``."""


@hookspec
def zoo_solvers() -> Iterable[Any]:  # type: ignore[empty-body]
    """Solver classes."""


@hookspec
def zoo_sdes() -> Iterable[Any]:  # type: ignore[empty-body]
    """SDE classes."""


@hookspec
def zoo_models() -> Iterable[Any]:  # type: ignore[empty-body]
    """Ready-made models: `Target` classes."""


@hookspec
def zoo_grids() -> Iterable[Any]:  # type: ignore[empty-body]
    """Rules for time grids: `GridRule` classes."""


@hookspec
def zoo_metrics() -> Iterable[Any]:  # type: ignore[empty-body]
    """Figures of merit: `Metric` classes."""


@hookspec
def zoo_studies() -> Iterable[Any]:  # type: ignore[empty-body]
    """Experiments that can be repeated: `Experiment` classes."""


@hookspec
def zoo_objectives() -> Iterable[Any]:  # type: ignore[empty-body]
    """What networks are trained to minimise: `Objective` classes."""


@hookspec
def zoo_networks() -> Iterable[Any]:  # type: ignore[empty-body]
    """Networks that can be trained: `Network` classes."""


@hookspec
def zoo_executors() -> Iterable[Any]:  # type: ignore[empty-body]
    """Ways to run many tasks: `Executor` classes."""
