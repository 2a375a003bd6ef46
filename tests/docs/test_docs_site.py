"""The site as it is built: links and anchors, nothing from elsewhere, every page in a browser, the search, light and dark."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import browser
import pytest
from bench.colours import contrast
from browser import Browser, Page
from draw import drawn

_LINK = re.compile(r"<(\w+)\b[^>]*?\s(?:href|src)=(?:\"([^\"]*)\"|([^\s>]+))")
_ID = re.compile(r"\s(?:id|name)=(?:\"([^\"]*)\"|([^\s>]+))")
_LOADED = re.compile(r"url\(\s*['\"]?(?!data:)([^)'\"]+)|@import\s+['\"]([^'\"]+)")


@pytest.fixture(scope="module")
def texts(site: Path) -> dict[str, str]:
    """The HTML of every page by its address."""
    return {path.relative_to(site).as_posix(): path.read_text() for path in sorted(site.rglob("*.html"))}


def _links(html: str) -> Iterator[tuple[str, str]]:
    for tag, quoted, bare in _LINK.findall(html):
        yield tag, unescape(quoted or bare)


def test_links_and_anchors_lead_somewhere(site: Path, texts: dict[str, str]) -> None:
    ids = {name: {unescape(a or b) for a, b in _ID.findall(html)} for name, html in texts.items()}
    broken = []
    for name, html in texts.items():
        for _, link in set(_links(html)):
            parts = urlsplit(urljoin(f"http://site/{name}", link))
            if parts.netloc != "site" or parts.scheme != "http" or name == "404.html":
                continue
            path = unquote(parts.path).lstrip("/")
            target = f"{path}index.html" if path.endswith("/") or not path else path
            if not (site / target).is_file():
                broken.append(f"{name}: {link}")
            elif parts.fragment and target in ids and unquote(parts.fragment) not in ids[target] | {"__search"}:
                broken.append(f"{name}: {link} (no such place)")
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site: Path, texts: dict[str, str]) -> None:
    """Links may lead away; scripts, styles, fonts and pictures come with the site."""
    foreign = [
        f"{name}: {link}"
        for name, html in texts.items()
        for tag, link in set(_links(html))
        if tag != "a" and urlsplit(link).netloc
    ]
    for path in site.rglob("*.css"):
        loaded = [a or b for a, b in _LOADED.findall(path.read_text())]
        foreign += [f"{path.name}: {link}" for link in loaded if urlsplit(link).netloc]
    assert not foreign


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    """A tab of a browser that reaches this machine and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        rule = "--host-resolver-rules=MAP * ~NOTFOUND"
        patch.setattr(browser, "FLAGS", tuple(f"{rule}, EXCLUDE 127.0.0.1" if f == rule else f for f in browser.FLAGS))
        with Browser() as opened:
            session = opened.call(
                "Target.attachToTarget",
                flatten=True,
                targetId=opened.call("Target.createTarget", url="about:blank")["targetId"],
            )["sessionId"]
            tab = opened._pages[session] = Page(opened, session)
            for domain in ("Page", "Runtime", "Log", "Network"):
                tab.call(f"{domain}.enable")
            tab.resize(1280, 900)
            yield tab


def _go(page: Page, url: str) -> None:
    page.call("Page.navigate", url=url)
    page.wait(f"location.href === '{url}' && document.readyState === 'complete'")


def _opened(names: list[str], scripts: bool) -> list[str]:
    """Pages written by hand and those that stand for others, as a reader opens them; a twentieth of the rest, and a fifth without scripts.

    ``ZOO_EVERY_PAGE=1`` opens all of the rest both ways.
    """
    generated = [name for name in names if name.startswith("reference/") and name.count("/") > 2]
    by_hand = [name for name in names if name not in generated]
    if not os.environ.get("ZOO_EVERY_PAGE"):
        generated = drawn(generated, len(generated) // (20 if scripts else 5), f"pages, scripts {scripts}")
    return [*by_hand, *generated] if scripts else generated


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_every_page_opens_without_an_error(page: Page, address: str, texts: dict[str, str], scripts: bool) -> None:
    """The scripts are the same on every page, so most generated pages are opened without them: it is what a page loads that may fail."""
    chosen = _opened(list(texts), scripts)
    page.resize(*((1280, 900) if scripts else (400, 300)))
    page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
    wrong: dict[str, list[str]] = {}
    for name in chosen:
        page.errors.clear()
        page.requests.clear()
        _go(page, address + name.removesuffix("index.html"))
        foreign = [url for url in page.requests if not url.startswith((address, "data:", "blob:"))]
        if page.errors or foreign:
            wrong[name] = page.errors + foreign
    page.resize(1280, 900)
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert not wrong
    assert len(chosen) > 20


def test_search_finds_a_solver(page: Page, address: str) -> None:
    _go(page, address)
    page.click("label[for=__search]")
    page.type("input[data-md-component=search-query]", "dpmpp-2m")
    page.wait("document.querySelector('.md-search-result__link')")
    deadline = time.monotonic() + 20
    while "reference/solvers/dpmpp-2m/" not in (found := _found(page)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "reference/solvers/dpmpp-2m/" in found[:3]


def _found(page: Page) -> list[str]:
    links = page.evaluate(
        "[...document.querySelectorAll('.md-search-result__link')].map(each => each.pathname.slice(1))"
    )
    return list(dict.fromkeys(links))


def test_the_table_of_solvers_filters_and_sorts(page: Page, address: str) -> None:
    _go(page, address + "reference/solvers/")
    shown = "[...document.querySelectorAll('#zoo-solvers tbody tr')].filter(row => !row.hidden).map(row => row.cells[0].dataset.key)"
    every = page.evaluate(shown)
    page.click("#zoo-solvers th:nth-child(7) button")
    keys = page.evaluate(
        "[...document.querySelectorAll('#zoo-solvers tbody tr')].map(row => Number(row.cells[6].dataset.key))"
    )
    assert keys == sorted(keys)
    page.type("#zoo-filter", "dpm-solver-v3")
    assert page.evaluate(shown) == ["dpm-solver-v3"]
    page.choose("#zoo-family", "unipc")
    assert page.evaluate(shown) == []
    assert len(every) > 150


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_charts_suit_light_and_dark(page: Page, address: str, dark: bool) -> None:
    page.dark(dark)
    _go(page, address + "reference/solvers/heun/")
    style = "getComputedStyle(document.querySelector('.zoo-chart {}')).{}"
    ground = _rgb(page.evaluate("getComputedStyle(document.querySelector('.zoo-chart')).backgroundColor"))
    assert (sum(ground) < 200) is dark
    assert contrast(_hex(ground), _hex(_rgb(page.evaluate(style.format("text", "fill"))))) > 4.5
    assert contrast(_hex(ground), _hex(_rgb(page.evaluate(style.format(".zoo-line", "stroke"))))) > 3


def _rgb(colour: str) -> list[int]:
    return [round(float(part)) for part in re.findall(r"[\d.]+", colour)[:3]]


def _hex(rgb: list[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)
