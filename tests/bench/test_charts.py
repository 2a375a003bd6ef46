"""Charts: colours that can be told apart, files of every form, and pages that draw themselves without a network."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from browser import Browser
from colours import SIGHTS, contrast, lab

from solvers_zoo.charts import Styles, lines, save, theme
from solvers_zoo.charts.bundle import script_json
from solvers_zoo.charts.save import render, spec_of
from solvers_zoo.charts.theme import INKS, PALETTE
from solvers_zoo.errors import StorageError

ROWS = [
    {
        "solver": name,
        "nfe": n,
        "error": 0.5 * n**-order,
        "low": 0.4 * n**-order,
        "high": 0.7 * n**-order,
        "floor_low": 1e-4,
        "floor_high": 3e-4,
    }
    for name, order in (("ddim", 1), ("heun", 2))
    for n in (4, 8, 16)
]


@pytest.mark.parametrize("scheme", PALETTE)
def test_everybody_can_tell_the_colours_apart(scheme: str):
    ink, quiet, _, ground = INKS[scheme]
    for sight, (a, b) in itertools.product(SIGHTS, itertools.combinations(PALETTE[scheme], 2)):
        assert math.dist(lab(a, sight), lab(b, sight)) >= 20, (sight, a, b)
    assert min(contrast(colour, ground) for colour in PALETTE[scheme]) >= 3
    assert min(contrast(ink, ground), contrast(quiet, ground)) >= 4.5


def test_each_of_200_series_looks_different():
    styles = Styles([f"solver {i}" for i in range(200)])
    looks = list(zip(styles.colours, styles.shapes, map(tuple, styles.dashes), strict=True))
    assert len(set(looks)) == 200
    assert len(set(styles.shapes[:8])) == len(set(styles.colours[:8])) == 8
    assert all(dash == [1, 0] for dash in styles.dashes[:8])


def marks(chart: object, kind: str) -> list[dict]:
    """The drawn items of a kind of mark, with their places in pixels."""
    import vl_convert

    found: list[dict] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("marktype") == kind and node.get("role") == "mark":
                found.extend(node["items"])
            for child in node.get("items", []):
                walk(child)

    walk(vl_convert.vegalite_to_scenegraph(spec_of(chart))["scenegraph"])
    return found


def test_a_guide_of_order_two_lies_on_errors_of_order_two():
    (guide,) = marks(
        lines([row for row in ROWS if row["solver"] == "heun"], "nfe", "error", "solver", slopes=(2,)), "rule"
    )
    points = marks(
        lines([row for row in ROWS if row["solver"] == "heun"], "nfe", "error", "solver", slopes=(2,)), "symbol"
    )
    ends = [(points[0]["x"], points[0]["y"]), (points[-1]["x"], points[-1]["y"])]
    assert [(guide["x"], guide["y"]), (guide["x2"], guide["y2"])] == [pytest.approx(end, abs=0.01) for end in ends]


def test_what_has_no_place_on_a_logarithmic_axis_is_left_out():
    rows = [*ROWS, {**ROWS[0], "error": 0.0}, {**ROWS[0], "error": None}, {**ROWS[0], "nfe": -1}]
    assert len(marks(lines(rows, "nfe", "error", "solver"), "symbol")) == len(ROWS)
    assert len(
        marks(lines([{**row, "error": -row["error"]} for row in ROWS], "nfe", "error", "solver", log="x"), "symbol")
    ) == len(ROWS)


def test_bands_floors_panels_and_the_legend_are_drawn():
    chart = lines(
        ROWS,
        "nfe",
        "error",
        "solver",
        low="low",
        high="high",
        floor=("floor_low", "floor_high"),
        slopes=(1, 2),
        panel="solver",
        title="A title",
        subtitle="below it",
        legend="method",
    )
    words = render(spec_of(chart), ".svg").decode()
    for word in ("exact samples", "order 1", "order 2", ">ddim<", ">heun<", "A title", "below it", ">method<"):
        assert word in words, word
    assert len(marks(chart, "area")) == len(ROWS)
    assert (
        "exact samples"
        not in render(
            spec_of(
                lines(
                    [{**row, "floor_high": 0.0} for row in ROWS],
                    "nfe",
                    "error",
                    "solver",
                    floor=("floor_low", "floor_high"),
                )
            ),
            ".svg",
        ).decode()
    )


@pytest.mark.parametrize(
    ("suffix", "begin"), [(".png", b"\x89PNG"), (".svg", b"<svg"), (".pdf", b"%PDF"), (".html", b"<!doctype html>")]
)
def test_charts_are_kept_in_every_form(tmp_path, suffix: str, begin: bytes):
    path = save(lines(ROWS, "nfe", "error", "solver"), tmp_path / f"chart{suffix}", scheme="dark")
    data = path.read_bytes()
    assert data.startswith(begin)
    assert [file.name for file in tmp_path.iterdir()] == [path.name], "nothing half written is left"
    if suffix == ".svg":
        assert INKS["dark"][3].encode() in data


def test_a_chart_that_cannot_be_kept_says_why(tmp_path):
    chart = lines(ROWS, "nfe", "error", "solver")
    with pytest.raises(StorageError, match=r"ends in '\.gif'; a chart is kept as \.png, \.svg, \.pdf, \.html"):
        save(chart, tmp_path / "chart.gif")
    with pytest.raises(StorageError, match="cannot be written"):
        save(chart, tmp_path / "nowhere" / "chart.svg")


def test_a_page_of_a_chart_draws_itself_and_asks_for_nothing(tmp_path):
    with Browser() as browser:
        page = browser.open(save(lines(ROWS, "nfe", "error", "solver"), tmp_path / "chart.html"))
        page.wait("document.querySelectorAll('.mark-symbol path').length >= 6")
        assert page.errors == []
        assert [url for url in page.requests if not url.startswith("data:")] == []


def test_nothing_in_json_can_end_a_script():
    value = {"a": "</script><!-- <script> & \u2028 \u2029", "b": [1.5, None, True], "<": "ä"}
    text = script_json(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


def test_themes_are_whole():
    assert theme("light").keys() == theme("dark").keys()
    assert theme("dark")["background"] == INKS["dark"][3]
