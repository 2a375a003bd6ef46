"""The public names of the package and of its public sub-modules, a page for each subject; mkdocstrings fills them from the docstrings."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import solvers_zoo
from solvers_zoo.registry.public import HOME_OF, LEFT_FOR
from solvers_zoo.registry.source_hash import home_of

sys.path.append(str(Path(__file__).parents[1]))
import rooms

#: Subject -> page, title, and the first parts of the homes of its names.
SUBJECTS = {
    "sampling": ("Sampling", ("sampling", "registry.registry")),
    "models": ("Score models", ("score_models", "processes.prediction")),
    "processes": ("Processes and grids", ("processes", "time_grids", "exact")),
    "solvers": (
        "Writing solvers",
        ("solving", "numerics", "noise"),
    ),
    "plugins": ("Cards, options, hooks", ("registry", "errors")),
    "inverse": ("Inverse problems and guidance", ("inverse", "score_models.wrappers")),
    "likelihood": ("Likelihood and editing", ("likelihood", "editing")),
    "measuring": ("Metrics, studies, training", ("metrics", "bench", "train")),
    "interop": ("Other libraries", ("interop",)),
    "executors": ("Executors", ("executors",)),
}


def homes() -> dict[str, str]:
    """Public name -> dotted module, without the package, where it is defined; those of the sub-modules for authors too."""
    return {
        **{name: HOME_OF.get(name, "") for name in solvers_zoo.__all__ if name != "__version__"},
        **{name: home_of(f"solvers_zoo.{at}", name).removeprefix("solvers_zoo.") for name, at in LEFT_FOR.items()},
    }


def subject(home: str) -> str:
    """The page of a home: the subject with the longest matching part."""
    fits = [
        (len(part), key) for key, (_, parts) in SUBJECTS.items() for part in parts if f"{home}.".startswith(f"{part}.")
    ]
    return max(fits)[1] if fits else "misc" if home else "sampling"


def pages() -> dict[str, str]:
    """Markdown by page."""
    groups: dict[str, list[str]] = {}
    for name, home in homes().items():
        groups.setdefault(subject(home), []).append(name)
    found = {f"reference/api/{key}.md": _page(key, sorted(names, key=str.lower)) for key, names in groups.items()}
    return {"reference/api/index.md": _index(groups), "reference/api/submodules.md": _submodules(), **found}


def nav() -> list[Any]:
    """Their pages."""
    keys = [key for key in [*SUBJECTS, "misc"] if f"reference/api/{key}.md" in pages()]
    return ["reference/api/index.md", *(f"reference/api/{key}.md" for key in keys), "reference/api/submodules.md"]


def _title(key: str) -> str:
    return SUBJECTS[key][0] if key in SUBJECTS else "Others"


def _index(groups: dict[str, list[str]]) -> str:
    parts = [
        "# Python",
        "",
        "All public names. `import solvers_zoo as zoo` imports none of them: each is loaded when it is first used. What only authors of",
        "plugins need is in sub-modules, as its entry says.",
        "",
    ]
    for key in [key for key in [*SUBJECTS, "misc"] if key in groups]:
        names = sorted(groups[key], key=str.lower)
        links = " · ".join(f"[`{name}`]({key}.md#{name})" for name in names)
        parts += [f"**[{_title(key)}]({key}.md)**", "", links, ""]
    parts += [
        "**[Sub-modules](submodules.md)**",
        "",
        "Names that authors of plugins import from the sub-module that has them: "
        + ", ".join(f"`{module}`" for module in rooms.PUBLIC)
        + ".",
        "",
    ]
    return "\n".join(parts)


def _submodules() -> str:
    """What public sub-modules offer beside the names of the package itself."""
    parts = [
        "# Sub-modules",
        "",
        "What a plugin may import beside the names of `solvers_zoo` itself "
        "([all of it in one table](../../writing-a-plugin.md#what-a-plugin-may-import)).",
        "",
    ]
    told: set[str] = set()
    for module, what in rooms.PUBLIC.items():
        parts += [
            f"## `solvers_zoo.{module}` {{ #{module.replace('.', '-')} }}",
            "",
            f"{what[0].upper()}{what[1:]}.",
            "",
        ]
        offered = {
            name: getattr(importlib.import_module(f"solvers_zoo.{module}"), name) for name in rooms.exports(module)
        }
        paths = {name: f"{thing.__module__}.{name}" for name, thing in offered.items() if _is_code(thing)}
        here = [path for name, path in paths.items() if name not in HOME_OF and path not in told]
        if also := [name for name, path in paths.items() if path not in here]:
            links = (
                f"[`{name}`]({subject(HOME_OF[name])}.md#{name})" if name in HOME_OF else f"`{name}`" for name in also
            )
            parts += ["Documented elsewhere: " + ", ".join(links) + ".", ""]
        if values := [name for name in (*offered, *rooms.types(module)) if name not in paths and len(name) > 1]:
            parts += ["Types and constants: " + ", ".join(f"`{name}`" for name in values) + ".", ""]
        parts += [f"::: {path}\n    options: {{heading_level: 3}}\n" for path in here]
        told |= set(here)
    return "\n".join(parts)


def _is_code(thing: Any) -> bool:
    return inspect.isclass(thing) or inspect.isfunction(thing)


def _page(key: str, names: list[str]) -> str:
    parts = [f"# {_title(key)}\n"]
    for name in names:
        home = homes()[name]
        path = f"solvers_zoo.{home}.{name}" if home else f"solvers_zoo.{name}"
        where = f"\nImported from `solvers_zoo.{LEFT_FOR[name]}`.\n" if name in LEFT_FOR else ""
        parts.append(f'<a id="{name}"></a>\n\n::: {path}\n{where}')
    return "\n".join(parts)
