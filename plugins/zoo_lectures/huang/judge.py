"""The acceptance figures of the study on particles, as functions of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median, quantiles

from solvers_zoo.bench.experiment import Check, Checks, Row, Rows, column, only, slope_of, where
from zoo_lectures.huang.numbers import BANDS, ERRORS, FITTED, authors_table


def sides(rows: Rows) -> tuple[list[Row], list[Row]]:
    """The rows of the authors' own mixture, and those of ours."""
    return where(rows, mixture="authors"), [row for row in rows if row["mixture"] != "authors"]


def checks(every: Rows) -> Checks:
    """The acceptance figures of the rows of any run."""
    dims = sorted({row["dim"] for row in every})
    theirs, rows = sides(every)
    for dim in dims:
        yield from _beside_authors(where(theirs, dim=dim), dim)
        yield from _of_dimension(where(rows, dim=dim), dim)
    if len(dims) > 1:
        middle = [median(column(rows, "tv", dim=dim, form="exact", steps=32)) for dim in dims]
        yield Check(
            "dimension",
            "TV at N = 32 has no trend in d: largest over smallest median",
            max(middle) / min(middle),
            1.0,
            1.5,
        )


def _beside_authors(theirs: list[Row], dim: int) -> Checks:
    """How far the runs of the authors' own mixture and starts are from what they print, to four decimals."""
    printed = authors_table()
    gaps = [
        abs(row[name] - figure)
        for row in theirs
        for name, figure in zip(("mean", "tv", "cov"), printed[dim, row["form"], row["steps"]], strict=True)
    ]
    if gaps:
        yield Check(
            f"authors, d = {dim}",
            f"departure from {len(gaps)} figures of the authors' table, on their mixture and starts",
            max(gaps),
            0.0,
            3e-4,
        )


def _of_dimension(rows: list[Row], dim: int) -> Checks:
    """The acceptance figures in one dimension."""
    both = in_bands(rows)
    full = sorted(column(rows, "mixture", form="samples"))
    yield Check(
        f"bands, d = {dim}",
        f"share of {len(both)} mixtures with TV in .045 to .085 at N = 32 and in .22 to .45 at N = 16",
        mean(both),
        0.8,
        1.0,
    )
    order = _order(rows, "h", "exact", full)
    yield Check(f"order, d = {dim}", "slope of TV in h, N = 48 to 16 (median mixture)", order, 2.0, 2.6)
    for form in ERRORS:
        yield Check(
            f"{form}, d = {dim}",
            "slope of TV in delta with h^2 ~ delta (median mixture)",
            _order(rows, "delta", form, full),
            0.9,
            1.2,
        )
    ratios = [
        only(rows, mixture=mixture, form="exact", steps=96)["tv"] / only(rows, mixture=mixture, form="samples")["tv"]
        for mixture in full
    ]
    yield Check(f"floor, d = {dim}", "TV at N = 96 over that of exact samples (largest)", max(ratios), 0.0, 1.3)


def _order(rows: list[Row], x: str, form: str, mixtures: Sequence[int]) -> float:
    """Slope of the total variation over a column, of the median mixture, where the sampling floor does not show."""
    seen = [where(rows, mixture=mixture, form=form) for mixture in mixtures]
    fitted = [[row for row in mine if row["steps"] in FITTED] for mine in seen]
    return median(slope_of(mine, x, "tv") for mine in fitted)


def in_bands(rows: Rows) -> list[bool]:
    """For every mixture of one dimension whose error was measured, whether it lies in both published bands."""
    pairs = zip(*(column(rows, "tv", form="exact", steps=steps) for steps in BANDS), strict=False)
    bands = list(BANDS.values())
    return [all(low <= tv <= high for tv, (low, high) in zip(pair, bands, strict=True)) for pair in pairs]


def remark(rows: Rows, dim: int) -> str:
    """What all draws show, for the reader to set beside the published bands."""
    parts = []
    for steps, (low, high) in BANDS.items():
        tvs = sorted(column(rows, "tv", dim=dim, form="exact", steps=steps))
        below, above = sum(tv < low for tv in tvs), sum(tv > high for tv in tvs)
        spread = f"{tvs[0]:.3f} to {tvs[-1]:.3f}"
        if len(tvs) > 3:
            first, _, third = quantiles(tvs, n=4, method="inclusive")
            spread += f", quartiles {first:.3f} and {third:.3f}"
        parts.append(f"N = {steps} {spread} (median {median(tvs):.3f}; {below} below the band, {above} above)")
    return f"d = {dim}, TV of {len(tvs)} mixtures: {'; '.join(parts)}."
