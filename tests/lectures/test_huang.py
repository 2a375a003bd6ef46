"""The numerical study of Huang, Huang & Lin 2024 (2404.09730): its quick form, and what it would not let pass.

`zoo study huang` takes hours; docs/measured.md has its figures.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest
from zoo_lectures.huang.authors_draw import Xoshiro
from zoo_lectures.huang.density import HuangDensity, bandwidth
from zoo_lectures.huang.judge import in_bands
from zoo_lectures.huang.numbers import BANDS, ERRORS, FITTED
from zoo_lectures.huang.particles import Huang, particle_run, plan

from solvers_zoo.bench.experiment import column, slope, where


@pytest.fixture(scope="module")
def findings():
    return Huang().run(quick=True)


def failing(findings):
    return [check.name for check in findings.checks if not check.holds]


def test_the_quick_form_holds(findings):
    assert failing(findings) == []
    assert [check.name for check in findings.checks] == [
        "authors, d = 8",
        "bands, d = 8",
        "order, d = 8",
        "constant, d = 8",
        "linear, d = 8",
        "sinusoidal, d = 8",
        "floor, d = 8",
    ]
    assert len(findings.notes) == 1


def test_mean_and_covariance_are_of_second_order_too(findings):
    """On the authors' draw, from N = 32 to 16."""
    theirs = [row for row in findings.rows if row["mixture"] == "authors" and row["form"] == "exact"]
    for figure in ("mean", "cov"):
        assert 2.2 <= slope(column(theirs, "h"), column(theirs, figure)) <= 2.7


def test_the_authors_table_comes_out_to_its_digits(findings):
    """Mean, TV and cov at N = 32 and 16, and with each score error, on their own mixture and starts."""
    theirs = [row for row in findings.rows if row["mixture"] == "authors"]
    assert len(theirs) == 5
    check = next(check for check in findings.checks if check.name == "authors, d = 8")
    assert check.value <= 2e-4
    wrong = [row | ({"cov": row["cov"] + 4e-4} if row is theirs[0] else {}) for row in findings.rows]
    assert failing(Huang().judge(wrong)) == ["authors, d = 8"]


def test_julias_random_numbers():
    """`Random.seed!(123); rand(5)` prints these in Julia 1.7 to 1.9, and the notebook the weights that follow."""
    julia = Xoshiro(123)
    first = [julia.uniform() for _ in range(5)]
    assert [round(u, 4) for u in first] == [0.5212, 0.5868, 0.8909, 0.1909, 0.5257]
    assert [u / sum(first) for u in first] == pytest.approx(
        [0.19194250492303952, 0.21609780841596313, 0.3280755236320224, 0.07030341547263623, 0.19358074755633872],
        rel=1e-14,
    )
    z = np.concatenate([Xoshiro(seed).normals(40_000) for seed in range(5)])
    assert kstest(z, "norm").pvalue > 0.01
    assert np.abs(z).max() > 3.6541528853610088  # the tail is reached
    assert Xoshiro(7).normals(64, 24).tolist() == Xoshiro(7).normals(64)[:24].tolist()


def test_a_method_of_first_order_is_noticed(findings):
    one = [row for row in findings.rows if row["mixture"] == 0]
    wrong = [row for row in one if row["form"] != "exact" or row["steps"] not in FITTED]
    wrong += [particle_run(8, 0, steps, solver="euler(variable=t)") for steps in FITTED]
    assert {"order, d = 8", "bands, d = 8"} <= set(failing(Huang().judge(wrong)))


def test_a_score_error_without_its_size_is_noticed(findings):
    wrong = [
        row | ({"tv": 0.05} if row["form"] == "linear" and row["mixture"] != "authors" else {}) for row in findings.rows
    ]
    assert failing(Huang().judge(wrong)) == ["linear, d = 8"]


def test_error_does_not_grow_with_the_dimension():
    rows = [particle_run(dim, 0, 32, particles=5_000) for dim in (8, 32)]
    tvs = column(rows, "tv")
    assert max(tvs) / min(tvs) <= 1.5


def test_the_plan_of_all_runs():
    jobs = list(plan((8, 32, 128), 5, 20))
    assert len(jobs) == 3 * (8 + 5 * 7 + 15 * 2) + 3 * 5 * 18
    assert all(job["steps"] in BANDS for job in jobs if job["mixture"] in range(5, 20))


def test_bands_are_kept_by_both_figures_of_a_mixture():
    rows = [
        {"dim": 8, "form": "exact", "mixture": m, "steps": steps, "tv": tv}
        for m, pair in enumerate([(0.05, 0.3), (0.05, 0.2), (0.09, 0.3)])
        for steps, tv in zip((32, 16), pair, strict=True)
    ]
    assert in_bands(rows) == [True, False, False]


def test_figures_are_drawn(findings, tmp_path):
    from solvers_zoo.charts import save

    for name, make in findings.charts.items():
        assert save(make(), tmp_path / f"{name}.svg").stat().st_size > 10_000


def test_the_density_evolves_as_it_should():
    study = HuangDensity(particles=20_000)
    findings = study.run(quick=True)
    assert failing(findings) == []
    assert len(findings.rows) == 12 * 5
    exact = {(row["steps"], row["t"]): row for row in where(findings.rows, form="exact")}
    harmless = [row | {name: exact[row["steps"], row["t"]][name] for name in ("tv", "moved")} for row in findings.rows]
    assert failing(study.judge(harmless)) == [f"{form}, twins" for form in ERRORS]
    assert bandwidth(40_000, 0.0) == pytest.approx((4 / 120_000) ** 0.2 / 2)
    assert bandwidth(40_000, 1.0) == pytest.approx((4 / 120_000) ** 0.2)
