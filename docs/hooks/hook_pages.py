"""The hooks of a plugin, from their specifications."""

from __future__ import annotations

import inspect
from typing import Any

from solvers_zoo import registry
from solvers_zoo.registry import hookspecs

#: Hook -> the class that its entries inherit from, and the kind that they are.
RETURNS = {
    "zoo_solvers": ("StepSolver` or `Solver", "solvers"),
    "zoo_sdes": ("GaussianSDE` or `SDE", "sdes"),
    "zoo_models": ("Target", "models"),
    "zoo_grids": ("GridRule", "grids"),
    "zoo_metrics": ("Metric", "metrics"),
    "zoo_studies": ("Experiment", "studies"),
    "zoo_objectives": ("Objective", "objectives"),
    "zoo_networks": ("Network", "networks"),
    "zoo_executors": ("Executor", "executors"),
}


def hooks() -> dict[str, Any]:
    """Hook specifications by name."""
    return {
        name: value for name, value in vars(hookspecs).items() if name.startswith("zoo_") and inspect.isfunction(value)
    }


def pages() -> dict[str, str]:
    """Markdown by page."""
    sections = "\n".join(_section(name, inspect.getdoc(hook) or "") for name, hook in hooks().items())
    return {"reference/hooks.md": f"{_HEAD}\n{sections}\n{_TAIL}"}


def _section(name: str, doc: str) -> str:
    base, folder = RETURNS[name]
    plugins = sorted({e.plugin for e in registry.default().entries(_kind(folder)) if e.dist == "solvers-zoo"})
    return (
        f"## `{name}` {{ #{name} }}\n\n{doc} Each inherits from `{base}`; [these are registered]({folder}/index.md), "
        f"by the plugins {', '.join(f'`{plugin}`' for plugin in plugins)}.\n"
    )


def _kind(folder: str) -> str:
    return {"studies": "study"}.get(folder, folder.removesuffix("s"))


_HEAD = """# Hooks

A plugin is a module, or a package, with some of these functions, each marked `@hookimpl`; it is announced by an entry point of the group
`solvers_zoo`. Each returns an iterable of classes with a card, or of `Deferred(card, "module:Class")` for a class that is to be
imported only when it is used. [How a plugin is written](../writing-a-plugin.md), [the classes](api/index.md).

```python
from solvers_zoo import hookimpl


@hookimpl
def zoo_solvers():
    return []
```
"""

_TAIL = """## Rules

- Nothing that a plugin imports at module level imports torch or numpy.
- A plugin imports the public names of `solvers_zoo` only, and no other plugin.
- A plugin that does not load is a row of `zoo plugins` with its reason; the others go on. `ZOO_STRICT=1` makes it an error.
- Two distributions may claim one name; `dist:name` picks one.
"""
