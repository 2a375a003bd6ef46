"""What the site has beside the pages written by hand, as hooks of MkDocs.

Pages are generated from the registry, the command line and the package; ``nav`` is completed with them; figures are drawn where a
page has ``<!-- figure: NAME -->``; formulas become MathML. Everything is computed here, from the working tree, without a network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import api_pages
import cli_pages
import concept_charts
import formulas
import hook_pages
import solver_pages
import thing_pages
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
#: Texts that live elsewhere in the repository, and the page that each becomes.
BORROWED = {
    "solvers_zoo/score_models/weights/README.md": "weights.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
TITLES = {"weights.md": "Trained models", "contributing.md": "Contributing", "changelog.md": "Changelog"}

_FIGURE = re.compile(r"<!-- figure: ([\w-]+) -->")
#: What the tests of snippets read, and readers need not.
_ASIDE = re.compile(r"^<!-- (?:not run: .*? |before\n.*?\n)-->\n", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def on_config(config: Any) -> Any:
    """Make all generated pages, and put them into the navigation."""
    pages = {
        **solver_pages.pages(),
        **thing_pages.pages(),
        **cli_pages.pages(),
        **api_pages.pages(),
        **hook_pages.pages(),
        **{page: text for source, page in BORROWED.items() if (text := _borrowed(source, page))},
    }
    config["_zoo_pages"] = pages
    groups = {
        "solvers": solver_pages.nav(),
        "things": thing_pages.nav(),
        "cli": cli_pages.nav(),
        "api": api_pages.nav(),
    }
    config.nav = list(_completed(config.nav, Path(config.docs_dir), pages, groups))
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    for uri, text in config["_zoo_pages"].items():
        files.append(File.generated(config, uri, content=text))
    files.append(File.generated(config, "assets/fonts/math.woff", content=formulas.font()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Draw the figures that a page asks for, and turn links to texts of the repository into links to their pages."""
    markdown = _ASIDE.sub("", markdown)
    markdown = _FIGURE.sub(lambda found: concept_charts.draw(found[1]), markdown)
    return _LINK.sub(lambda found: found[1] + _target(found[2], page.file.src_uri) + found[3], markdown)


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Write formulas as MathML, which browsers set themselves."""
    formulas.in_contents(page.toc)
    return formulas.to_mathml(html)


def _borrowed(source: str, page: str) -> str | None:
    path = ROOT / source
    if not path.is_file():
        return None
    text = path.read_text()
    here = os.path.dirname(source)

    def moved(found: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(here, found[2])) if "://" not in found[2] else found[2]
        return found[1] + BORROWED.get(target, target.removeprefix("docs/")) + found[3]

    return _LINK.sub(moved, text)


def _target(link: str, page: str) -> str:
    target = os.path.normpath(os.path.join("docs", os.path.dirname(page), link))
    if target not in BORROWED:
        return link
    return os.path.relpath(BORROWED[target], os.path.dirname(page) or ".")


def _completed(nav: Any, docs: Path, pages: dict[str, str], groups: dict[str, list[Any]]) -> Iterator[Any]:
    """The navigation with patterns and ``@`` entries replaced; what has no page vanishes."""
    listed = {text for text in _strings(nav) if "*" not in text}
    for entry in nav:
        title, value = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(value, list):
            if inner := list(_completed(value, docs, pages, groups)):
                yield {title: inner}
        elif value.startswith("@"):
            name = value[1:]
            if name in groups:
                yield from [{title: groups[name]}] if title else groups[name]
            elif name in pages:
                yield {title or TITLES[name]: name} if title or name in TITLES else name
        elif "*" in value:
            found = sorted(path.relative_to(docs).as_posix() for path in docs.glob(value))
            indexes = [uri for uri in found if uri.endswith("/index.md")]
            yield from (
                uri for uri in found if uri not in listed and (uri not in indexes or value.endswith("index*.md"))
            )
        else:
            yield entry


def _strings(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        yield from _strings(list(nav.values()))
    else:
        for entry in nav:
            yield from _strings(entry)
