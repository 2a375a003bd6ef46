"""What every study shares, and ``zoo study``."""

from __future__ import annotations

import csv
import json
import math

import pytest
from run_zoo import run_zoo

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.bench.experiment import Check, Findings, slope, track

OWN = """
from solvers_zoo import Check, Experiment, Findings, Source, StudyCard, option

class Halving(Experiment):
    card = StudyCard(
        name="halving", title="Halving", claim="Twice half is one.", seconds=1, quick_seconds=1,
        source=Source(authors="A", title="T", where="p. 1"),
    )
    factor: float = option(2.0, help="what half is multiplied by")

    def run(self, progress=lambda done, total: None, quick=False):
        progress(1, 1)
        rows = [{"half": 0.5, "whole": 0.5 * self.factor, "form": "quick" if quick else "full"}]
        from solvers_zoo.charts import lines
        chart = lambda: lines([{"x": 1.0, "y": 1.0, "name": "a"}, {"x": 2.0, "y": 4.0, "name": "a"}], "x", "y", "name")
        checks = [Check("whole", "twice half", rows[0]["whole"], 1.0, 1.0)]
        return Findings(rows, checks, {"first": chart, "second": chart}, ["A note."])
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_a_check_holds_between_its_bounds_and_never_with_nan():
    assert Check("a", "", 1.0, 1.0, 1.0).holds
    assert not Check("a", "", 1.1, 0.0, 1.0).holds
    assert not Check("a", "", -0.1, 0.0).holds
    assert not Check("a", "", math.nan).holds
    assert Check("a", "", 0.5, 0, 1).wanted == "0 to 1"
    assert Check("a", "", 0.5, high=1).wanted == "<= 1"
    assert Check("a", "", 0.5, low=1e-9).wanted == ">= 1e-09"
    assert not Findings([], [Check("a", "", 1.0), Check("b", "", math.nan)]).holds


def test_slope_is_the_power():
    assert slope([1.0, 2.0, 5.0], [3.0, 12.0, 75.0]) == pytest.approx(2.0, abs=1e-14)
    assert math.isnan(slope([1.0, 2.0], [0.0, 1.0]))
    assert math.isnan(slope([1.0, 2.0], [math.nan, 1.0]))


def test_track_tells_how_far():
    seen = []
    assert list(track("ab", lambda done, total: seen.append((done, total)))) == ["a", "b"]
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_every_bundled_study_says_what_it_shows():
    cards = registry.cards("study")
    assert len(cards) >= 14
    for card in cards:
        assert card.claim.endswith(".")
        assert 0 < card.quick_seconds <= 60
        assert card.source.authors
        assert isinstance(registry.default().make("study", card.name), zoo.Experiment)


def test_list_and_show():
    listed = run_zoo("study", "list", "--json").json["studies"]
    assert {"huang", "ranking", "tv-lemma"} <= {row["name"] for row in listed}
    shown = run_zoo("show", "early-stopping")
    assert shown.status == 0
    assert "zoo study early-stopping" in shown.out
    assert "with --quick" in shown.out
    wrong = run_zoo("study", "huanq")
    assert wrong.status == 1
    assert "'huang'" in wrong.err


def test_a_study_prints_its_figures_and_writes_files(own, tmp_path):
    done = run_zoo("study", "halving", "--plugin", own, "--out", tmp_path / "a.svg", "--data", tmp_path / "a.csv")
    assert done.status == 0, done.err
    assert "1 of 1 figures hold" in done.out
    assert "A note." in done.out
    assert done.err == ""
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert (tmp_path / "a-second.svg").read_text().startswith("<svg")
    assert list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines())) == [
        {"half": "0.5", "whole": "1.0", "form": "full"}
    ]


def test_a_missed_figure_is_an_exit_status(own, tmp_path):
    done = run_zoo(
        "study", "halving", "-o", "factor=3", "--quick", "--json", "--plugin", own, "--data", tmp_path / "a.json"
    )
    assert done.status == 1
    assert done.json["holds"] is False
    assert done.json["study"] == "halving(factor=3.0)"
    assert done.json["checks"][0] | {"claim": ""} == {
        "name": "whole",
        "claim": "",
        "value": 1.5,
        "low": 1.0,
        "high": 1.0,
        "holds": False,
    }
    assert json.loads((tmp_path / "a.json").read_text())[0]["form"] == "quick"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["halving", "-o", "factor"], 2, "NAME=VALUE"),
        (["halving(factor=1)", "-o", "factor=2"], 2, "not both"),
        (["halving", "-o", "faktor=2"], 1, "factor"),
        (["halving", "--out", "a.gif"], 2, ".html"),
        (["halving", "--data", "a.png"], 2, ".csv"),
        (["halving", "--out", "no/such/folder/a.png"], 1, "no folder"),
    ],
)
def test_what_cannot_be_is_refused(own, words, status, said):
    done = run_zoo("study", *words, "--plugin", own)
    assert done.status == status
    assert said in done.err
    assert done.out == ""
