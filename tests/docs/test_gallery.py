"""The gallery of the lectures: pages, figures, commands and numbers agree."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from solvers_zoo import registry

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
FIGURES = GALLERY / "figures"
#: Page -> figures that it shows at least.
PAGES = {"huang": 14, "score-matching": 9, "nguyen": 7, "tomczak": 7, "kim": 11}
ALL = [GALLERY / f"{name}.md" for name in ["index", *PAGES]]
IMAGE = re.compile(r"!\[([^\]]*)\]\(figures/([^)]+)\)")


@pytest.fixture(scope="module")
def scripts():
    """The gallery's own modules, by name."""
    names = ("pictures", "figures", "on_the_line", "on_the_plane", "on_digits")
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}  # another script of the same name
    sys.path.insert(0, str(GALLERY))
    yield {name: importlib.import_module(name) for name in names}
    sys.path.remove(str(GALLERY))
    for name in names:
        del sys.modules[name]
    sys.modules.update(others)


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return json.loads((FIGURES / "measured.json").read_text())


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text(page), re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line]


def shown(page: Path) -> list[str]:
    return [name for _, name in IMAGE.findall(text(page))]


def of(name: str, table: dict[str, Any]) -> str:
    """The figure whose command makes this one, which may be a further chart of a study."""
    if name in table:
        return name
    bases = [key for key in table if name.startswith(f"{Path(key).stem}-") and name.endswith(Path(key).suffix)]
    return max(bases, key=len)


def test_every_page_has_its_box_and_its_figures():
    assert {page.name for page in GALLERY.glob("*.md")} == {page.name for page in ALL}
    for name, least in PAGES.items():
        page = text(GALLERY / f"{name}.md")
        box = re.search(r'^!!! warning "Errata"\n((?:    .*\n)+)', page, re.M)
        assert box is not None, name
        assert len(box[1].splitlines()) >= 4, name  # a head, its rule, two misprints
        assert "index.md#errata" in box[1], name
        assert len(set(shown(GALLERY / f"{name}.md"))) >= least, name
        assert f"({name}.md)" in text(GALLERY / "index.md")
        assert all(len(words) > 10 for words, _ in IMAGE.findall(page)), name  # for those who do not see it


def test_every_figure_is_there_small_and_made_by_a_command_of_its_section(scripts, measured):
    table, everywhere = scripts["figures"].FIGURES, set()
    for page in ALL:
        for name in shown(page):
            assert (FIGURES / name).stat().st_size < 150_000, name
            base = of(name, table)
            after = text(page).partition(f"(figures/{name})")[2]
            section = re.split(r"^#+ ", after, maxsplit=1, flags=re.M)[0]
            assert f"{table[base]} --out {base}\n" in section, f"{page.name} shows {name} without its command"
            everywhere.add(name)
    files = {path.name for path in FIGURES.iterdir()} - {"measured.json"}
    assert files == everywhere
    assert {of(name, table) for name in files} == set(table)  # the script makes all of them, and nothing else
    assert sum(path.stat().st_size for path in FIGURES.iterdir()) < 2_000_000
    assert {name: facts["command"] for name, facts in measured.items()} == table
    assert not [name for name, facts in measured.items() if facts["missed"]]


def test_every_picture_is_a_figure(scripts):
    made = {shlex.split(line)[2] for line in scripts["figures"].FIGURES.values() if line.startswith("python")}
    assert made == set(scripts["pictures"].pictures())


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_every_command_parses_and_names_what_there_is(page, scripts):
    from typer.main import get_command

    from solvers_zoo.cli.app import app

    group = get_command(app)
    assert commands(page)
    for line in commands(page):
        program, *words = shlex.split(line)
        if program == "python":
            folder, _, script = words[0].rpartition("/")
            assert (folder, script) in (("docs/gallery", "pictures.py"), ("docs/gallery", "figures.py")), line
            names = scripts["figures"].FIGURES if script == "figures.py" else {"list", *scripts["pictures"].pictures()}
            assert set(words[1:2]) <= set(names), line
            assert words[2:3] in ([], ["--out"]), line
            continue
        assert program == "zoo", line
        given = group.commands[words[0]].make_context(words[0], words[1:]).params  # refuses unknown options and values
        if words[0] == "study":
            registry.default().make("study", given["name"])
        for kind in ("solver", "sde", "model", "grid", "objective", "network"):
            if isinstance(given.get(kind), str):
                registry.default().make(kind, given[kind])


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_every_bold_number_was_measured_by_a_figure_of_the_page(page, measured):
    bases = {of(name, measured) for name in shown(page)} | {"errata.svg"}  # which all pages link to
    values = [value for base in bases for value in measured[base]["measured"].values()]
    numbers = re.findall(r"\*\*(-?[\d.]+(?:e-?\d+)?)\*\*", text(page))
    assert numbers
    for number in numbers:
        digits = len(re.sub(r"e.*|[-.]", "", number).lstrip("0"))
        assert any(float(f"{value:.{digits}g}") == float(number) for value in values), number


def test_every_link_leads_somewhere():
    for page in ALL:
        for target in re.findall(r"\]\((?!https?:|figures/)([^)]+)\)", text(page)):
            file, _, anchor = target.partition("#")
            path = (page.parent / file).resolve() if file else page
            assert path.is_file(), f"{page.name}: {target}"
            assert GALLERY.parent in path.parents, f"{page.name}: {target} is no page of the documentation"
            heads = re.findall(r"^#+ (.*)", text(path), re.M)
            slugs = {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}
            assert not anchor or anchor in slugs, f"{page.name}: {target}"


def test_every_misprint_stands_in_one_box_and_in_the_table(measured):
    from zoo_lectures.errata.misprints import ERRATA

    boxes = "".join(text(GALLERY / f"{name}.md") for name in PAGES)
    figures = measured["errata.svg"]["measured"]
    rows = [line for line in text(GALLERY / "index.md").splitlines() if line.startswith("|") and line.endswith("** |")]
    assert len(rows) == len(ERRATA)
    for erratum, row in zip(ERRATA, rows, strict=True):
        assert boxes.count(f"`{erratum.name}`") == 1, erratum.name
        right, missed = (float(number) for number in re.findall(r"\*\*([\d.]+)\*\*", row))
        assert right == pytest.approx(figures[f"{erratum.name}, right"], rel=5e-3)
        assert missed == pytest.approx(figures[f"{erratum.name}, printed"], rel=5e-3)
        assert missed > 0.2  # the printed formula fails; tests/studies/test_errata.py measures it anew


def test_a_picture_shows_what_was_measured(scripts, measured, tmp_path, capsys):
    for name in ("reverse-step", "schedules"):
        scripts["pictures"].main([name, "--out", str(tmp_path / f"{name}.svg"), "--json"])
        figures = json.loads(capsys.readouterr().out)["figures"]
        (base,) = (key for key in measured if Path(key).stem == name)
        assert figures == pytest.approx(measured[base]["measured"], rel=1e-6)
        assert (tmp_path / f"{name}.svg").read_text().rstrip().endswith("</svg>")


def test_the_script_makes_a_figure_by_the_command_line(scripts, tmp_path, monkeypatch):
    figures = scripts["figures"]
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    figures.main(["errata.svg"])
    table = json.loads((tmp_path / "measured.json").read_text())
    assert table["errata.svg"]["command"] == "zoo study errata"
    assert (
        table["errata.svg"]["measured"].keys()
        == json.loads((FIGURES / "measured.json").read_text())["errata.svg"]["measured"].keys()
    )
    assert (tmp_path / "errata.svg").stat().st_size > 5_000
