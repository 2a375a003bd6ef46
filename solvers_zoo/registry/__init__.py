"""How things are found by name: plugins and their hooks, cards, options, and specs like `heun:variable=t`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.public import lazily

if TYPE_CHECKING:
    from solvers_zoo.registry.loading import Entry as Entry
    from solvers_zoo.registry.loading import Plugin as Plugin
    from solvers_zoo.registry.registry import Registry as Registry
    from solvers_zoo.registry.registry import cards as cards
    from solvers_zoo.registry.registry import configured as configured
    from solvers_zoo.registry.registry import default as default
    from solvers_zoo.registry.registry import grid as grid
    from solvers_zoo.registry.registry import load_plugins as load_plugins
    from solvers_zoo.registry.registry import model as model
    from solvers_zoo.registry.registry import sde as sde
    from solvers_zoo.registry.registry import solver as solver
    from solvers_zoo.registry.spec import split_list as split_list

__all__ = [
    "Entry",
    "Plugin",
    "Registry",
    "cards",
    "configured",
    "default",
    "grid",
    "load_plugins",
    "model",
    "sde",
    "solver",
    "split_list",
]

__getattr__ = lazily(
    __name__, {**dict.fromkeys(__all__, "registry"), "Entry": "loading", "Plugin": "loading", "split_list": "spec"}
)
