"""The public names of the package, a page for each subject; mkdocstrings fills them from the docstrings."""

from __future__ import annotations

from typing import Any

import solvers_zoo
from solvers_zoo.registry.public import HOME_OF

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
    """Public name -> dotted module, without the package, where it is defined."""
    return {name: HOME_OF.get(name, "") for name in solvers_zoo.__all__ if name != "__version__"}


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
    return {"reference/api/index.md": _index(groups), **found}


def nav() -> list[Any]:
    """Their pages."""
    keys = [key for key in [*SUBJECTS, "misc"] if f"reference/api/{key}.md" in pages()]
    return ["reference/api/index.md", *(f"reference/api/{key}.md" for key in keys)]


def _title(key: str) -> str:
    return SUBJECTS[key][0] if key in SUBJECTS else "Others"


def _index(groups: dict[str, list[str]]) -> str:
    parts = [
        "# Python",
        "",
        "All public names. `import solvers_zoo as zoo` imports none of them: each is loaded when it is first used.",
        "",
    ]
    for key in [key for key in [*SUBJECTS, "misc"] if key in groups]:
        names = sorted(groups[key], key=str.lower)
        links = " · ".join(f"[`{name}`]({key}.md#{name})" for name in names)
        parts += [f"**[{_title(key)}]({key}.md)**", "", links, ""]
    parts += [
        "**Tests of plugins**",
        "",
        "[`solvers_zoo.testing`](../../first-plugin.md): `conformance(name)` is the test file of a solver.",
        "",
    ]
    return "\n".join(parts)


def _page(key: str, names: list[str]) -> str:
    parts = [f"# {_title(key)}\n"]
    for name in names:
        home = homes()[name]
        path = f"solvers_zoo.{home}.{name}" if home else f"solvers_zoo.{name}"
        parts.append(f'<a id="{name}"></a>\n\n::: {path}\n')
    return "\n".join(parts)
