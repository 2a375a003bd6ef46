"""Tables as files, and ``zoo results``."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path

import duckdb
import pytest
from cells import SOLVERS, cell, record
from run_zoo import Run, assert_one_sentence, run_each, run_zoo

from solvers_zoo.bench.export import WRITERS, Sheet, export
from solvers_zoo.bench.ranking import ranked
from solvers_zoo.bench.results import Results
from solvers_zoo.bench.store import Store
from solvers_zoo.errors import StorageError


@pytest.fixture(scope="module")
def folder(study_store: Path) -> Path:
    return study_store


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return Results(Store(folder))


# -- exports -----------------------------------------------------------------------------------------------------------

DATA = [
    {
        "name": "a|b_c & 50%",
        "value": 1 / 3,
        "none": None,
        "big": 2**40,
        "list": [1.0, None],
        "flag": True,
        "odd": math.inf,
    },
    {"name": 'comma, "quote"\nline ± é', "value": None, "none": None, "big": 1, "list": [], "flag": False, "odd": 2.0},
]
SHEET = Sheet(
    ("name_x", "value"), (False, True), (("A & B", ((("a|b_c & 50%", "1.2e-05 ± 1e-06"),), (("$x^2 \\ {y}", "2"),))),)
)


def test_csv_and_json_have_every_digit():
    rows = list(csv.DictReader(io.StringIO(export(DATA, SHEET, "csv").decode())))
    assert [row["name"] for row in rows] == [row["name"] for row in DATA]
    assert float(rows[0]["value"]) == 1 / 3
    assert rows[1]["value"] == ""
    assert json.loads(rows[0]["list"]) == [1.0, None]
    found = json.loads(export(DATA, SHEET, "json"))
    assert found == [{**DATA[0], "odd": None}, DATA[1]]


def test_parquet_has_every_digit(tmp_path):
    path = tmp_path / "it's.parquet"
    path.write_bytes(export(DATA, SHEET, "parquet"))
    with duckdb.connect() as base:
        found = base.execute("SELECT * FROM read_parquet($1)", [str(path)])
        columns = [name for name, *_ in found.description]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    assert rows == [{**row, "list": json.dumps(row["list"])} for row in DATA]


def test_markdown_and_latex_are_safe():
    lines = export(DATA, SHEET, "md").decode().splitlines()
    assert lines == [
        "**A & B**",
        "",
        r"| name\_x | value |",
        "|:---|---:|",
        r"| a\|b\_c & 50% | 1.2e-05 ± 1e-06 |",
        r"| $x^2 \\ {y} | 2 |",
    ]
    text = export(DATA, SHEET, "tex").decode()
    assert r"a|b\_c \& 50\% & $1.2\cdot10^{-5}$ $\pm$ $1\cdot10^{-6}$ \\" in text
    assert r"\$x\textasciicircum{}2 \textbackslash{} \{y\} & 2 \\" in text
    assert text.count(r"\addlinespace") == 1


@pytest.mark.parametrize("form", WRITERS)
def test_a_table_without_rows_can_be_written(form):
    export([], Sheet((), (), ()), form)


# -- the command -------------------------------------------------------------------------------------------------------


def zoo(folder: Path, *arguments: object) -> Run:
    return run_zoo("results", "--store", folder, *arguments)


def test_the_ranking_is_printed(folder, results):
    done = zoo(folder, "--metric", "sliced-w1", "--where", "model=digits")
    assert done.status == 0, done.err
    assert done.err == ""
    assert done.out.startswith("digits  vp · float32 · n = 2000 · start prior · cpu\n")
    groups = ranked(results, "sliced-w1", "model=digits")
    lines = [re.split(r"\s{2,}", line.strip()) for line in done.out.splitlines() if re.match(r" *\d+  ", line)]
    assert [(int(line[0]), line[1], line[2]) for line in lines] == [
        (one["rank"], one["solver"], f"{one['nfe']:g}") for one in groups
    ]
    assert ["ties exact" in line for line in lines] == [one["ties"] for one in groups]
    assert all(f"{one['value']:.3g} ± {one['se']:.1g}" == line[3] for one, line in zip(groups, lines, strict=True))
    assert "45 cells." in done.out
    whole = zoo(folder)
    assert "95 cells, 3 failed, 1 skipped. `zoo results --failed` says why." in whole.out
    assert "1 without strong: the flow is not known." in whole.out or "strong" not in whole.out.splitlines()[1]


def test_the_front_is_printed_and_exported(folder, results, tmp_path):
    done = zoo(folder, "--metric", "strong", "--pareto", "--json")
    front = [one for one in ranked(results, "strong") if one["front"]]
    assert sorted((row["model"], row["nfe"]) for row in done.json["rows"]) == sorted(
        (one["model"], one["nfe"]) for one in front
    )
    assert [row["nfe"] for row in done.json["rows"] if row["model"] == "digits"] == [5, 10, 20]
    asked = ["results", "--store", str(folder), "--metric", "strong", "--pareto"]
    outs = {form: tmp_path / f"front.{form}" for form in WRITERS}
    runs = run_each([[*asked, "--out", str(out)] for out in outs.values()], tmp_path)
    assert [run.out for run in runs] == [f"Wrote {len(front)} rows to {out}.\n" for out in outs.values()]
    printed = run_each([[*asked, "--format", form] for form in ("csv", "tex")], tmp_path)
    assert [run.out for run in printed] == [outs[form].read_text() for form in ("csv", "tex")]
    assert [row["value"] for row in json.loads((tmp_path / "front.json").read_text())] == [
        row["value"] for row in done.json["rows"]
    ]


def test_cells_failures_studies_and_queries(folder):
    done = zoo(
        folder, "--cells", "--where", "seed = 0 and nfe = 5", "--format", "csv", "--sort", "-strong", "--limit", "3"
    )
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len(rows) == 3
    values = [float(row["strong"]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert "a budget of 1" in zoo(folder, "--failed").out
    assert zoo(folder, "--study", "digits-only", "--json").json["cells"] == 45
    query = "SELECT solver, count(*) AS n FROM results WHERE status = 'done' AND nfe = 5 GROUP BY 1 ORDER BY 1"
    assert zoo(folder, "--sql", query, "--json").json["rows"] == [{"solver": name, "n": 6} for name in sorted(SOLVERS)]


#: Arguments, exit status, and words of the sentence.
MISUSE = [
    (["--where", "nfee < 3"], 1, "Did you mean nfe"),
    (["--metric", "strng"], 1, "Did you mean 'strong'"),
    (["--by", "solvr"], 1, "Did you mean 'solver'"),
    (["--study", "digits-onli"], 1, "Did you mean 'digits-only'"),
    (["--sql", "DROP TABLE cells"], 1, "one SELECT"),
    (["--out", "table.xlsx"], 1, "csv, parquet, json, tex, md"),
    (["--out", "missing/table.csv"], 1, "there is no folder missing"),
    (["--failed", "--pareto"], 2, "for the ranking"),
    (["--sql", "SELECT 1", "--where", "nfe=1"], 2, "into the query"),
    (["--json", "--format", "csv"], 2, "--json"),
]


def test_misuse(folder, tmp_path):
    runs = run_each([["results", "--store", str(folder), *arguments] for arguments, _, _ in MISUSE], tmp_path)
    for (_, status, words), run in zip(MISUSE, runs, strict=True):
        assert_one_sentence(run, status, words)


def test_a_store_that_is_not_there(tmp_path):
    assert_one_sentence(zoo(tmp_path / "none"), 1, "There is no store", "zoo bench")
    assert not (tmp_path / "none").exists()
    assert "0 cells" in zoo(tmp_path).out


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    store, one = Store(tmp_path), record(cell())
    (tmp_path / "cells" / one.key[:2] / f"{one.key}.json").mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot be read: Is a directory"):
        store.get(one.key)
