"""The report: its figures are those of the records, its words follow from them, and the page works without a network."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser, Page
from cli.run_zoo import assert_one_sentence, run_zoo
from colours import contrast
from fake_records import FLOORS, a_sweep, broken, cell_of, done, fake, key_of, put_all

from solvers_zoo.bench.experiment import slope
from solvers_zoo.bench.ranking import Contestant
from solvers_zoo.bench.record import Record
from solvers_zoo.bench.report import write_figures, write_report
from solvers_zoo.bench.report.answer import answer, paragraph, verdict
from solvers_zoo.bench.report.background import recipes
from solvers_zoo.bench.report.data import arenas
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.sweep import Sweep
from solvers_zoo.errors import OptionError


def with_errors(errors: dict[tuple[str, int, int], float], floor: float = 0.0, sd: float = 0.0) -> list[Record]:
    """Records whose errors by (solver, budget, seed) are known; one metric, one model, one grid."""
    found = []
    for (solver, budget, seed), error in errors.items():
        record = done("ring", "karras", solver, budget, seed)
        z = (error - floor) / sd if sd else None
        p = math.erfc(z / math.sqrt(2)) / 2 if z is not None else None
        figure = {"value": error, "n": 9, "floor": floor, "sd": sd, "p": p, "z": z, "ties": p is not None and p > 0.05}
        found.append(replace(record, result=record.result | {"figures": {"strong": figure}, "nfe": budget}))
    return found


# -- figures -----------------------------------------------------------------------------------------------------------


def test_points_are_means_over_seeds_with_their_reach():
    (arena,) = arenas(
        with_errors({("ddim", 8, 0): 0.2, ("ddim", 8, 1): 0.4, ("ddim", 16, 0): 0.1}, floor=0.05, sd=0.01)
    )
    first, second = arena.boards["strong"].points
    assert (first.error, first.low, first.high, first.seeds, first.nfe) == pytest.approx((0.3, 0.2, 0.4, 2, 8))
    assert (first.floor_low, first.floor_high) == pytest.approx((0.03, 0.07))
    assert (second.error, second.seeds, second.nfe) == (0.1, 1, 16)


def test_slopes_are_the_orders_of_power_laws_and_the_floor_is_told():
    errors = {("heun", n, 0): 3.0 * n**-2.5 for n in (4, 8, 16)} | {("heun", 32, 0): 0.002}
    (arena,) = arenas(with_errors(errors, floor=0.002, sd=0.0001))
    (found,) = arena.boards["strong"].slopes
    assert [pair[:2] for pair in found.pairs] == [(4, 8), (8, 16), (16, 32)]
    assert [pair[2] for pair in found.pairs[:2]] == pytest.approx([2.5, 2.5])
    assert [pair[3] for pair in found.pairs] == [False, False, True]
    assert found.fit == pytest.approx(2.5), "the point at the floor takes no part"
    assert math.isnan(slope([3, 3], [1, 2]))


def test_what_is_not_compared_stands_apart():
    records = [
        *fake(models=("ring",), nfe=(5,), seeds=(0,)),
        *(
            replace(r, key=key_of(r.key), cell=replace(r.cell, n=50))
            for r in fake(models=("ring",), nfe=(5,), seeds=(0,))
        ),
    ]
    assert sorted(arena.problem.n for arena in arenas(records)) == [50, 2000]


def test_tolerances_are_one_contestant():
    records = []
    for rtol, calls in (("1e-1", 9), ("1e-2", 14), ("1e-3", 30)):
        record = done("ring", "karras", "ddim", calls)
        cell = replace(cell_of("ring", "karras", f"torchdiffeq-dopri5(rtol={rtol})", None), steps=None)
        records.append(replace(record, key=key_of(rtol), cell=cell, result=record.result | {"nfe": calls}))
    (arena,) = arenas(records)
    (board, *_) = arena.boards.values()
    assert {point.who for point in board.points} == {Contestant("torchdiffeq-dopri5", "karras")}
    assert [point.nfe for point in board.points] == [9, 14, 30]


def test_the_wanted_metric_comes_first():
    records = list(fake(nfe=(5,), seeds=(0,)))
    assert [next(iter(arena.boards)) for arena in arenas(records)] == ["strong", "strong"]
    assert [next(iter(arena.boards)) for arena in arenas(records, "covariance")] == ["covariance", "covariance"]
    with pytest.raises(OptionError, match="mmd was not measured; there is covariance, sliced-w1, strong"):
        arenas(records, "mmd")


# -- words -------------------------------------------------------------------------------------------------------------


def words(errors: dict[tuple[str, int, int], float], **floor: float) -> str:
    (arena,) = arenas(with_errors(errors, **floor))
    return re.sub(r"<[^>]+>", "", answer(arena.boards["strong"].table, "nfe 10", "ring"))


def test_the_answer_says_who_wins_and_by_how_much():
    said = words({("heun", 10, 0): 0.02, ("ddim", 10, 0): 0.05})
    assert (
        said
        == "With 10 evaluations on ring, use heun: its strong error of 0.02 is 2.5 times below that of the next solver, ddim."
    )


def test_the_answer_says_when_the_seeds_do_not_tell():
    close = {("heun", 10, 0): 0.020, ("heun", 10, 1): 0.030, ("ddim", 10, 0): 0.026, ("ddim", 10, 1): 0.027}
    assert "the next solver, ddim, is level with it within the spread of the seeds" in words(close)
    apart = close | {("ddim", 10, 0): 0.26, ("ddim", 10, 1): 0.27}
    assert "11 times below that of the next solver, ddim" in words(apart)


def test_the_answer_says_what_ties_exact_samples():
    said = words({("heun", 10, 0): 0.0505, ("ddim", 10, 0): 0.051, ("rk4", 10, 0): 0.2}, floor=0.05, sd=0.001)
    assert (
        "heun ties exact samples: its strong error of 0.0505 (exact samples: 0.05) is no larger than sampling alone shows. So do ddim."
        in said
    )
    assert "times" not in said, "what ties cannot be better by a factor"


def test_the_answer_has_words_for_one_solver_and_for_none():
    assert "there is no other solver to compare with" in words({("heun", 10, 0): 0.02})
    assert paragraph([]) == "Nothing was finished, so there is no answer yet; below it says why."


def test_a_second_grid_of_the_winner_is_no_rival():
    records = with_errors({("heun", 10, 0): 0.02, ("ddim", 10, 0): 0.05})
    (twin,) = with_errors({("heun", 10, 0): 0.03})
    records.append(replace(twin, key=key_of("twin"), cell=replace(twin.cell, grid="log-snr")))
    found = verdict(arenas(records)[0].boards["strong"].table, "nfe 10")
    assert found.who == Contestant("heun", "karras")
    assert found.rival is not None
    assert found.rival[0] == Contestant("ddim", "karras")


def test_recipes_give_the_command_and_the_file_of_a_sweep():
    records = list(fake(nfe=(5,), seeds=(0,)))
    sweep = Sweep(solvers=("heun", "ddim:eta=0.5"), models=("ring",), nfe=(5, 8), denoise=True, n=100)
    text = json.dumps({"name": "mine", "sweeps": [sweep.facts()], "keys": [records[0].key]})
    other = json.dumps({"name": "other", "sweeps": [sweep.facts()], "keys": ["0" * 64]})
    (found,) = recipes(records, {"mine": text, "other": other}, "my store")
    assert (
        found["command"]
        == "zoo bench --solvers heun,ddim:eta=0.5 --models ring --nfe 5,8 -n 100 --denoise --store 'my store' --name mine"
    )
    assert Sweep.of(__import__("tomllib").loads(found["toml"])) == sweep


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("report") / "store")
    put_all(store, a_sweep(models=("digits", "ring", "mixture-1d"), grids=("karras", "log-snr"), nfe=(5, 10)))
    return store


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def path(store: Store) -> Path:
    return write_report(
        list(store.records()),
        store.folder.parent / "report.html",
        title="Who <wins>?",
        samples=store.samples,
        sweeps=store.sweeps(),
    )


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    page = opened(browser, path)
    yield page
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith("data:")] == [], "the page asked for something"


def opened(browser: Browser, path: Path, **how: object) -> Page:
    page = browser.open(path, **how)  # type: ignore[arg-type]
    page.wait("document.documentElement.dataset.ready === 'yes'")
    return page


def settle(page: Page) -> None:
    """Let what was asked for be drawn: charts follow one another, each in a few turns of the page's loop."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")


LINES = "document.querySelectorAll('#chart-nfe .mark-line path').length"
NAMES = "[...document.querySelectorAll('#ranking-table tbody tr')].map(row => row.children[1].textContent)"


def test_the_page_holds_no_address_that_it_would_load(path: Path):
    text = path.read_text()
    own = (
        text[: text.index("<script>")] + text[text.rindex("<script>") :]
    )  # Vega apart, which names addresses that it does not use
    assert "default-src 'none'" in own
    assert not re.search(r"https?://|@import|url\(|<(?:script|img|link|iframe)[^>]+(?:src|href)\s*=", own)


def test_nothing_in_the_records_becomes_markup(page: Page):
    assert page.evaluate("document.title") == "Who <wins>?"
    said = page.evaluate("document.querySelector('#troubles').textContent")
    assert "</script><script>document.title='broken out'</script><!-- <b>bold</b>" in said
    assert page.evaluate("document.querySelectorAll('#troubles summary b').length") == 3, (
        "kinds of failures and a metric, and no more"
    )


def test_the_legend_filters_the_charts(page: Page):
    assert page.evaluate(LINES) == 6
    assert page.evaluate("document.querySelector('.chip').getAttribute('aria-pressed')") == "true"
    page.click(".chip")
    page.wait(f"{LINES} === 5")
    assert page.evaluate("document.querySelector('.chip').getAttribute('aria-pressed')") == "false"
    page.click(".chip:nth-child(2)", count=2)
    page.wait(f"{LINES} === 1")
    assert page.evaluate("document.querySelector('#showing').textContent") == "1 of 6 solvers shown"
    page.click("#none")
    page.wait("document.querySelector('#chart-nfe').textContent.includes('No solver is chosen')")
    page.click("#all")
    page.wait(f"{LINES} === 6")


def test_the_legend_works_from_the_keyboard(page: Page):
    page.evaluate("document.querySelectorAll('.chip')[1].focus()")
    page.press("Enter")
    page.wait(f"{LINES} === 5")
    assert page.evaluate("document.activeElement === document.querySelectorAll('.chip')[1]"), (
        "the focus stays where it was"
    )


def test_tables_sort_by_a_click_and_filter_by_words(page: Page):
    ranked = page.evaluate(NAMES)
    assert len(ranked) == 6
    column = "[...document.querySelectorAll('#ranking-table tbody tr')].map(row => Number(row.children[4].textContent.replace('≈', '')))"
    page.click("#ranking-table th:nth-child(5) button")
    assert page.evaluate(column) == sorted(page.evaluate(column))
    assert page.evaluate("document.querySelector('#ranking-table th:nth-child(5)').ariaSort") == "ascending"
    page.click("#ranking-table th:nth-child(5) button")
    assert page.evaluate(column) == sorted(page.evaluate(column), reverse=True)
    page.type("#ranking-table input", "dd")
    assert page.evaluate(NAMES) == ["ddim"]
    assert page.evaluate("document.querySelector('#ranking-table .hint').textContent") == "1 of 6 rows"
    page.click("#cells-table .more")
    assert page.evaluate("document.querySelectorAll('#cells-table tbody tr').length") == 147
    assert page.evaluate("document.querySelector('#cells-table .hint').textContent") == "147 rows"


def test_problem_metric_and_grid_are_chosen(page: Page):
    title = "[...document.querySelectorAll('#chart-nfe .role-axis-title')].map(each => each.textContent).join()"
    page.choose(
        "#metric",
        page.evaluate(
            "[...document.querySelectorAll('#metric option')].find(each => each.text.includes('sliced-w1')).text"
        ),
    )
    page.wait(f"{title}.includes('sliced-w1')")
    assert "exact samples" in page.evaluate("document.querySelector('#chart-nfe').textContent")
    page.choose("#problem", "ring")
    page.wait("document.querySelector('#facts').textContent.startsWith('ring')")
    assert page.evaluate("document.querySelector('#metric').selectedOptions[0].text.includes('sliced-w1')"), (
        "the metric stays"
    )
    page.choose("#grid", "all grids")
    page.wait(f"{LINES} === 12")
    page.choose("#grid", "karras")
    page.wait(f"{LINES} === 6")
    assert set(
        page.evaluate(
            "[...document.querySelectorAll('#ranking-table tbody tr')].map(row => row.children[2].textContent)"
        )
    ) == {"karras"}


def test_a_point_under_the_mouse_tells_all_of_it(page: Page):
    page.evaluate("document.querySelector('#chart-nfe').scrollIntoView({block: 'center', behavior: 'instant'})")
    x, y = page.evaluate("""(box => [box.x + box.width / 2, box.y + box.height / 2])(
        [...document.querySelectorAll('#chart-nfe .mark-symbol')].at(-1).querySelector('path').getBoundingClientRect())""")
    page.hover(x - 3, y)
    page.hover(x, y)
    page.wait("!document.querySelector('#tip').hidden")
    said = page.evaluate("document.querySelector('#tip').innerText")
    for word in ("grid", "evaluations", "error", "range of seeds", "time of a run", "in the model"):
        assert word in said, said


@pytest.mark.parametrize(("problem", "count"), [("digits", 7), ("ring", 7), ("mixture-1d", 7)])
def test_samples_are_painted_beside_exact_ones(page: Page, problem: str, count: int):
    page.choose("#problem", problem)
    settle(page)
    painted = """[...document.querySelectorAll('#gallery canvas')].map(canvas => {
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return [new Set(new Uint32Array(pixels.buffer)).size, canvas.toDataURL()];
    })"""
    colours, pictures = zip(*page.evaluate(painted), strict=True)
    assert len(set(pictures)) == count, "no two are the same"
    assert min(colours) > 3
    assert page.evaluate("document.querySelector('#gallery figcaption').textContent").startswith("exact samples")


def test_colours_follow_the_system_and_the_switch(browser: Browser, path: Path):
    page = opened(browser, path, dark=True)
    ground, ink = ("getComputedStyle(document.body).backgroundColor", "getComputedStyle(document.body).color")
    dark = page.evaluate(f"[{ground}, {ink}]")
    page.click("#scheme")
    page.wait("document.documentElement.dataset.scheme === 'light'")
    light = page.evaluate(f"[{ground}, {ink}]")
    assert dark == ["rgb(13, 16, 20)", "rgb(233, 237, 243)"]
    assert light == ["rgb(244, 246, 249)", "rgb(26, 31, 39)"]
    page.wait("document.querySelector('#chart-nfe .role-axis-title text')?.getAttribute('fill') === '#1a1f27'")
    assert page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_they_stand_on(page: Page, scheme: str):
    page.dark(scheme == "dark")
    page.wait(f"document.documentElement.dataset.scheme === '{scheme}'")
    colour = {
        name: page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()")
        for name in ("ground", "card", "soft", "ink", "quiet", "accent", "good", "bad")
    }
    for word in ("ink", "quiet", "accent", "good", "bad"):
        for ground in ("ground", "card", "soft"):
            assert contrast(colour[word], colour[ground]) >= 4.5, (word, ground)


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_sticks_out_at_any_width(browser: Browser, path: Path, width: int):
    page = opened(browser, path, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('#chart-nfe svg').getBoundingClientRect().right") <= width
    assert page.errors == []


def test_everything_has_a_name_for_those_who_cannot_see_it(page: Page):
    nameless = """[...document.querySelectorAll('button, select, input, canvas, .chart svg[role]')].filter(each => !(
        each.getAttribute('aria-label') || each.textContent.trim() || each.labels?.length)).map(each => each.outerHTML.slice(0, 80))"""
    assert page.evaluate(nameless) == []
    assert page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map(each => Number(each.tagName[1])).every((level, i, all) => !i || level <= all[i - 1] + 1)"
    )
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_command_is_copied(browser: Browser, tmp_path: Path):
    records = list(fake(nfe=(5,), seeds=(0,)))
    sweep = Sweep(solvers=("heun",), models=("ring",))
    text = json.dumps({"name": "mine", "sweeps": [sweep.facts()], "keys": [records[0].key]})
    page = opened(browser, write_report(records, tmp_path / "report.html", sweeps={"mine": text}))
    page.evaluate("window.copied = []; navigator.clipboard.writeText = async text => { window.copied.push(text); }")
    page.click("#recipes .copied button")
    page.wait("copied.length === 1")
    assert page.evaluate("copied[0]") == "zoo bench --solvers heun --models ring --store zoo-results --name mine"
    assert page.errors == []


@pytest.mark.parametrize(
    "records",
    [
        [done("ring", "karras", "heun", 8)],
        [broken("heun", "ring", 8)],
        [replace(done("ring", "karras", "heun", 8), run={})],
        [replace((one := done("ring", "karras", "heun", 8)), result=one.result | {"figures": {}})],
    ],
    ids=["one cell", "no finished cell", "nothing timed", "nothing measured"],
)
def test_the_least_is_a_report_too(browser: Browser, tmp_path: Path, records: list[Record]):
    page = opened(browser, write_report(records, tmp_path / "report.html"))
    assert page.errors == []
    assert page.evaluate("document.querySelectorAll('#cells-table tbody tr').length") == 1


def test_thousands_of_cells_are_a_page_of_a_few_megabytes(browser: Browser, tmp_path: Path):
    records = list(
        fake(
            [f"solver-{i}" for i in range(120)],
            ("ring", "digits"),
            ("karras", "log-snr", "uniform"),
            (5, 8, 10, 20),
            (0,),
        )
    )
    assert len(records) == 2880
    path = write_report(records, tmp_path / "report.html")
    assert path.stat().st_size < 5e6
    page = opened(browser, path)
    assert page.evaluate("document.querySelectorAll('.chip').length") == 120
    assert page.evaluate(LINES) == 8, "the best, until more are asked for"
    assert page.errors == []


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_writes_the_page_and_the_figures(store: Store, tmp_path: Path):
    out, folder = tmp_path / "page.html", tmp_path / "figures"
    found = run_zoo(
        "report",
        "--store",
        store.folder,
        "--where",
        "model = ring and nfe <= 10",
        "--metric",
        "sliced-w1",
        "--out",
        out,
        "--figures",
        folder,
        "--format",
        "svg",
        "--json",
    )
    assert found.status == 0, found.err
    assert found.json["cells"] == 6 * 2 * 2 * 2 + 3
    assert out.stat().st_size == found.json["bytes"]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"ring-sliced-w1-{name}.svg" for name in ("nfe", "order", "seconds")
    ]
    assert "exact samples" in (folder / "ring-sliced-w1-nfe.svg").read_text()
    assert FLOORS["sliced-w1"][0] > 0


def test_figures_come_in_every_form(tmp_path: Path):
    records = list(fake(("heun", "ddim"), ("ring",), nfe=(5, 10), seeds=(0,)))
    paths = write_figures(records, tmp_path / "new" / "folder", ("png", "svg", "pdf"), metric="strong", scheme="dark")
    assert len(paths) == 9
    begins = {".png": b"\x89PNG", ".svg": b"<svg", ".pdf": b"%PDF"}
    assert all(path.read_bytes().startswith(begins[path.suffix]) for path in paths)


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["--store", "nowhere"], 1, "There is no store nowhere"),
        (["--out", "page.pdf"], 2, "the page is a .html file"),
        (["--format", "gif"], 2, "it takes png, svg, pdf, html"),
        (["--scheme", "pink"], 2, "it is light or dark"),
        (["--out", "nowhere/page.html"], 1, "there is no folder nowhere"),
    ],
)
def test_mistakes_are_said_in_one_sentence(tmp_path: Path, arguments: list[str], status: int, word: str):
    assert_one_sentence(run_zoo("report", *arguments, cwd=tmp_path), status, word)
