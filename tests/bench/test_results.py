"""What is read from a store: tables, conditions, groups, Pareto fronts, exports, and ``zoo results``."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from pathlib import Path

import pytest
from cells import BUDGETS, MODELS, SOLVERS, cell, figure, place, record
from read_many import fill
from run_zoo import run_zoo

from solvers_zoo.bench.ranking import chance, losses, pick_metric, ranked, unmeasured
from solvers_zoo.bench.results import Results
from solvers_zoo.bench.store import Store
from solvers_zoo.errors import OptionError


@pytest.fixture(scope="module")
def folder(study_store: Path) -> Path:
    return study_store


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return Results(Store(folder))


# -- rows --------------------------------------------------------------------------------------------------------------


def test_a_row_has_all_of_a_cell(results, folder):
    rows = {row["key"]: row for row in results.rows()}
    assert len(rows) == results.count() == 95
    for one in Store(folder).records():
        row = rows[one.key]
        for name in ("model", "sde", "solver", "grid", "seed", "dtype", "n", "start", "denoise", "device", "repeats"):
            assert row[name] == getattr(one.cell, name)
        for name in ("status", "kind", "reason", "family", "stochastic", "unmeasured"):
            assert row[name] == one.result.get(name)
        assert row["budget"] == one.cell.nfe
        assert row["nfe"] == one.result.get("nfe", one.cell.nfe)
        assert row["times"] == one.result.get("grid")
        assert row["seconds"] == one.run.get("seconds")
        assert row["torch"] == one.run["machine"]["torch"]
        assert row["code"] == one.code
        for metric, column in results.column_of.items():
            found = one.result["figures"].get(metric)
            assert row[column] == (found["value"] if found else None)
            for part in ("floor", "sd", "z", "p", "n", "ties"):
                assert row[f"{column}_{part}"] == (found[part] if found else None)


def test_long_has_a_row_for_every_figure(results, folder):
    found = {(row["key"], row["metric"]): row["value"] for row in results.long()}
    expected = {
        (one.key, metric): each["value"]
        for one in Store(folder).records()
        for metric, each in one.result["figures"].items()
    }
    assert found == expected
    assert results.sql("SELECT count(*) AS n FROM figures") == [{"n": len(expected)}]


def test_only_the_latest_of_a_cell_counts(tmp_path):
    store, one = Store(tmp_path), cell()
    for day, code in ((1, {"solver": "a"}), (3, {"solver": "b"}), (2, {"solver": "c"})):
        store.put(record(one, code, f"2026-01-0{day}T00:00:00.000+00:00"))
    with Results(store) as found:
        assert [row["code"] for row in found.rows()] == [{"solver": "b"}]
        assert found.stale == 2
    with Results(store, stale=True) as found:
        assert found.count() == 3
        assert found.stale == 0
    with Results(store, keys=store.keys()[:1]) as found:
        assert [row["key"] for row in found.rows()] == store.keys()[:1]


def test_an_empty_store_has_empty_tables(tmp_path):
    with Results(Store(tmp_path)) as found:
        assert found.rows() == found.long() == losses(found) == []
        assert pick_metric(found) is None


def test_fields_of_another_version_are_null(tmp_path):
    store = Store(tmp_path)
    odd = record(cell())
    odd.result["figures"]["strong"]["value"] = "much"
    del odd.run["machine"]
    odd.result["new"] = {"a": [1]}
    store.put(odd)
    with Results(store) as found:
        row = found.rows()[0]
    assert row["strong"] is None
    assert row["cpu"] is None
    assert row["sliced_w1"] == odd.result["figures"]["sliced-w1"]["value"]


def test_metrics_of_any_name_have_a_column(tmp_path):
    store = Store(tmp_path)
    names = ["sliced-w2(projections=64)", "it's", 'say "so"', "n", "N", "nfe"]
    store.put(record(cell(), None, "2026", **{name: figure(float(i)) for i, name in enumerate(names)}))
    with Results(store) as found:
        row = found.rows()[0]
        assert [row[found.column_of[name]] for name in names] == [float(i) for i in range(len(names))]
        assert row["n"] == 2000
        assert found.count("sliced_w2_projections_64 = 0") == 1


def test_damage_is_reported_and_not_used(tmp_path):
    fill(tmp_path, 30)
    paths = sorted((tmp_path / "cells").rglob("*.json"))
    for path in paths[:3]:
        path.write_bytes(path.read_bytes().replace(b'"strong"', b'"strung"'))
    with Results(Store(tmp_path)) as found:
        assert found.count() == 27
        assert len(found.store.damage) == 3
    done = run_zoo("results", "--store", tmp_path, "--json")
    assert done.status == 0
    assert done.json["cells"] == 27
    assert done.json["damaged"] == []  # moved away by the first reading
    paths[4].write_bytes(b"")
    done = run_zoo("results", "--store", tmp_path)
    assert done.err.startswith("Damaged: ")
    assert paths[4].name in done.err
    assert "26 cells" in done.out


def test_many_cells_are_read_and_grouped(tmp_path):
    """``python tests/bench/read_many.py 100000`` times it."""
    fill(tmp_path, 2000)
    with Results(Store(tmp_path)) as found:
        groups = ranked(found, "strong")
        assert sum(group["cells"] for group in groups) == 2000
        assert len(groups) == 100


# -- conditions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "python"),
    [
        ("nfe<=10 and model=digits", lambda row: row["nfe"] <= 10 and row["model"] == "digits"),
        ("nfe <= 10 AND model == 'digits'", lambda row: row["nfe"] <= 10 and row["model"] == "digits"),
        ("model=mixture-5 or solver=heun", lambda row: row["model"] == "mixture-5" or row["solver"] == "heun"),
        ("(solver=heun or solver=ddim) and nfe=5", lambda row: row["solver"] in ("heun", "ddim") and row["nfe"] == 5),
        ("solver != dpmpp-2m", lambda row: row["solver"] != "dpmpp-2m"),
        ("solver=d*", lambda row: row["solver"].startswith("d")),
        ("solver=bad", lambda row: row["solver"].startswith("bad(")),
        ("not solver=?eun", lambda row: row["solver"] != "heun"),
        ("status=failed", lambda row: row["status"] == "failed"),
        ("strong < 0.01", lambda row: row["strong"] is not None and row["strong"] < 0.01),
        ("sliced_w1_ties", lambda row: bool(row["sliced_w1_ties"])),
        ("reason like '%budget of 1%' -- a remark", lambda row: "budget of 1" in row["reason"]),
        ("seed in (1, 2)", lambda row: row["seed"] in (1, 2)),
        ("kind = family", lambda row: row["family"] is not None and row["kind"] == row["family"]),
    ],
)
def test_conditions(results, where, python):
    expected = [row["key"] for row in results.rows() if python(row)]
    assert [row["key"] for row in results.rows(where)] == expected
    assert results.count(where) == len(expected)
    assert {row["key"] for row in results.long(where)} <= set(expected)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("nfee < 3", "no column 'nfee'. Did you mean nfe"),
        ("colour = 3", "no column 'colour'. The columns are model, "),
        ("nfe <", "syntax error"),
        ("nfe = 'ten'", "Could not convert"),
        ("1); DROP TABLE cells; --", "syntax error"),
        ("nfe in (SELECT nfe FROM read_csv('/etc/passwd'))", "disabled by configuration"),
        ("model = (SELECT content FROM read_text('/etc/passwd'))", "disabled by configuration"),
        ("'", "unterminated"),
        ("", ""),
    ],
)
def test_conditions_without_a_meaning(results, where, words):
    with pytest.raises(OptionError) as caught:
        results.rows(where)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "--where" in str(caught.value)
    assert results.count() == 95


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE cells",
        "COPY results TO '/tmp/stolen.csv'",
        "SELECT 1; SELECT 2",
        "ATTACH '/tmp/x.db'",
        "SELECT nothing FROM long",
        "SELECT * FROM read_text('/etc/passwd')",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT * FROM bodies",
        "SELEC",
        "",
        "SELECT * FROM '/etc/passwd'",
        "CREATE TABLE x AS SELECT 1",
        "SELECT * FROM os",
    ],
)
def test_queries_that_are_refused(results, query):
    with pytest.raises(OptionError) as caught:
        results.sql(query)
    assert "\n" not in str(caught.value)
    assert not Path("/tmp/stolen.csv").exists()
    assert results.count() == 95


# -- groups ------------------------------------------------------------------------------------------------------------


def test_groups_are_means_over_seeds(results, folder):
    groups = ranked(results, "sliced-w1")
    assert len(groups) == len(MODELS) * len(BUDGETS) * len(SOLVERS) + 1
    for group in groups:
        of = [
            one
            for one in Store(folder).records()
            if one.status == "done"
            and (one.cell.model, one.cell.nfe, one.cell.solver) == (group["model"], group["budget"], group["solver"])
        ]
        figures = [one.result["figures"]["sliced-w1"] for one in of]
        values = [each["value"] for each in figures]
        assert group["cells"] == len(of)
        assert group["value"] == pytest.approx(statistics.fmean(values), rel=1e-12)
        assert group["floor"] == pytest.approx(0.02)
        assert group["sd"] == pytest.approx(0.004 / math.sqrt(len(of)))
        assert group["z"] == pytest.approx((group["value"] - 0.02) / group["sd"])
        assert group["p"] == pytest.approx(chance([each["p"] for each in figures]))
        assert group["ties"] == (group["p"] > 0.05)
        assert group["seconds"] == pytest.approx(statistics.fmean(one.run["seconds"] for one in of))
        if len(of) > 1:
            assert group["se"] == pytest.approx(statistics.stdev(values) / math.sqrt(len(of)))
        else:
            assert group["se"] is None
    for _, part in itertools.groupby(groups, lambda group: (group["model"], group["budget"])):
        rivals = list(part)
        for group in rivals:
            wrong = 0 if group["ties"] else group["value"]
            assert group["rank"] == 1 + sum((0 if one["ties"] else one["value"]) < wrong for one in rivals)
        assert [one["rank"] for one in rivals] == sorted(one["rank"] for one in rivals)


@pytest.mark.parametrize("cost", ["nfe", "seconds"])
def test_the_front_is_what_nothing_beats(tmp_path, cost):
    rng = random.Random(1)
    for i in range(150):
        one = record(
            cell(f"s{i}", rng.randrange(1, 30), model=f"m{i % 2}"), value=figure(rng.randrange(1, 40) / 10, 0.5, 0.2)
        )
        one.run["seconds"] = rng.randrange(1, 30) / 10
        place(tmp_path, one)
    with Results(Store(tmp_path)) as found:
        groups = ranked(found, "value", cost=cost)

    def beats(a: dict, b: dict) -> bool:
        x, y = ((one[cost], 0 if one["ties"] else one["value"]) for one in (a, b))
        return a["model"] == b["model"] and x[0] <= y[0] and x[1] <= y[1] and x != y

    for group in groups:
        assert group["front"] == (not any(beats(other, group) for other in groups))
    assert 2 < sum(group["front"] for group in groups) < 60
    assert sum(group["ties"] for group in groups) > 5


def test_groups_by_any_columns(results):
    groups = ranked(results, "strong", "model=digits", by=("solver",))
    assert [group["solver"] for group in sorted(groups, key=lambda one: one["value"])] == [
        group["solver"] for group in groups
    ]
    assert {group["cells"] for group in groups} == {9}
    assert {group["nfe"] for group in groups} == {35 / 3}
    with pytest.raises(OptionError, match=r"'solvr' is no column\. Did you mean 'solver'"):
        ranked(results, "strong", by=("solvr",))


def test_a_metric_is_found_by_its_name(tmp_path):
    store = Store(tmp_path)
    store.put(
        record(
            cell(seed=1), None, "2026", **{"energy(m=1)": figure(1.0), "mmd(k=1)": figure(1.0), "mmd(k=2)": figure(1.0)}
        )
    )
    store.put(
        record(
            cell(seed=2), None, "2026", **{"energy(m=1)": figure(1.0), "strong": figure(1.0), "sliced-w1": figure(1.0)}
        )
    )
    store.put(record(cell(seed=3), None, "2026", **{"strong": figure(1.0)}))
    with Results(store) as found:
        assert pick_metric(found) == "strong"
        assert pick_metric(found, where="seed = 1") == "energy(m=1)"
        assert pick_metric(found, "energy") == "energy(m=1)"
        assert pick_metric(found, "mmd(k=2)") == "mmd(k=2)"
        with pytest.raises(OptionError, match=r"several ways; say which: mmd\(k=1\), mmd\(k=2\)"):
            pick_metric(found, "mmd")
        with pytest.raises(OptionError, match="Did you mean 'strong'"):
            pick_metric(found, "strng")


def test_what_came_to_nothing_is_counted_with_its_reason(results):
    assert losses(results) == [
        {
            "status": "failed",
            "kind": "nan",
            "reason": "step 3 gave NaN",
            "cells": 3,
            "solvers": ["bad(x=1, y='|&_%')"],
            "models": ["mixture-5"],
        },
        {
            "status": "skipped",
            "kind": "",
            "reason": "a budget of 1 does not pay for a step of heun",
            "cells": 1,
            "solvers": ["heun"],
            "models": ["mixture-5"],
        },
    ]
    assert unmeasured(results, "strong") == {"the flow is not known": 1}
    assert unmeasured(results, "strong", "model = digits") == {}


def test_chances_are_combined_as_scipy_does():
    from scipy.stats import combine_pvalues

    rng = random.Random(0)
    for count in range(1, 40):
        ps = [rng.random() ** rng.choice((1, 6)) for _ in range(count)]
        assert chance(ps) == pytest.approx(combine_pvalues(ps).pvalue, rel=1e-9)
    assert chance([1.0, 1.0]) == 1.0
    assert chance([]) is None
