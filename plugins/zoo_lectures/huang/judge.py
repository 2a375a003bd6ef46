"""What the rows of the study on particles say of its acceptance figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean, median, quantiles

from solvers_zoo.bench.experiment import Check, Findings, Row, column, slope
from zoo_lectures.huang.particles import BANDS, FITTED, FORMS, authors_table


def judge(rows: list[Row]) -> Findings:
    """What the rows of any run say of the acceptance figures."""
    dims = sorted({row["dim"] for row in rows})
    theirs, rows = (
        [row for row in rows if row["mixture"] == "authors"],
        [row for row in rows if row["mixture"] != "authors"],
    )
    checks = [check for dim in dims for check in (*_beside_authors(theirs, dim), *_checks(rows, dim))]
    if len(dims) > 1:
        middle = [median(column(rows, "tv", dim=dim, form="exact", steps=32)) for dim in dims]
        checks.append(
            Check(
                "dimension",
                "TV at N = 32 has no trend in d: largest over smallest median",
                max(middle) / min(middle),
                1.0,
                1.5,
            )
        )
    from zoo_lectures.huang.charts import draws, errors  # they need nothing but the rows

    every = [*theirs, *rows]
    charts = {"errors": lambda: errors(rows), "draws": lambda: draws(rows)}
    return Findings(every, checks, charts, [_words(rows, dim) for dim in dims])


def _beside_authors(theirs: list[Row], dim: int) -> Iterator[Check]:
    """How far the runs of the authors' own mixture and starts are from what they print, to four decimals."""
    printed = authors_table()
    gaps = [
        abs(row[name] - figure)
        for row in theirs
        if row["dim"] == dim
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


def _checks(rows: list[Row], dim: int) -> Iterator[Check]:
    """The acceptance figures in one dimension."""
    both = in_bands(rows, dim)
    full = sorted({row["mixture"] for row in rows if row["dim"] == dim and row["form"] == "samples"})
    yield Check(
        f"bands, d = {dim}",
        f"share of {len(both)} mixtures with TV in .045 to .085 at N = 32 and in .22 to .45 at N = 16",
        mean(both),
        0.8,
        1.0,
    )
    orders = [slope(*fitted(rows, "h", dim, mixture, "exact")) for mixture in full]
    yield Check(f"order, d = {dim}", "slope of TV in h, N = 48 to 16 (median mixture)", median(orders), 2.0, 2.6)
    for form in FORMS:
        orders = [slope(*fitted(rows, "delta", dim, mixture, form)) for mixture in full]
        yield Check(
            f"{form}, d = {dim}", "slope of TV in delta with h^2 ~ delta (median mixture)", median(orders), 0.9, 1.2
        )
    ratios = [
        column(rows, "tv", dim=dim, mixture=mixture, form="exact", steps=96)[0]
        / column(rows, "tv", dim=dim, mixture=mixture, form="samples")[0]
        for mixture in full
    ]
    yield Check(f"floor, d = {dim}", "TV at N = 96 over that of exact samples (largest)", max(ratios), 0.0, 1.3)


def in_bands(rows: list[Row], dim: int) -> list[bool]:
    """Of every mixture whose error was measured, whether it lies in both published bands."""
    pairs = zip(*(column(rows, "tv", dim=dim, form="exact", steps=steps) for steps in BANDS), strict=False)
    bands = list(BANDS.values())
    return [all(low <= tv <= high for tv, (low, high) in zip(pair, bands, strict=True)) for pair in pairs]


def fitted(
    rows: list[Row], x: str, dim: int, mixture: int, form: str, y: str = "tv"
) -> tuple[list[float], list[float]]:
    """x and y of the runs over which a slope is fitted."""
    mine = [
        row
        for row in rows
        if row["steps"] in FITTED and (row["dim"], row["mixture"], row["form"]) == (dim, mixture, form)
    ]
    return [row[x] for row in mine], [row[y] for row in mine]


def _words(rows: list[Row], dim: int) -> str:
    """What all draws show, for the reader to set beside the published bands."""
    parts = []
    for steps, (low, high) in BANDS.items():
        tvs = sorted(column(rows, "tv", dim=dim, form="exact", steps=steps))
        below, above = sum(tv < low for tv in tvs), sum(tv > high for tv in tvs)
        spread = f"{tvs[0]:.3f} to {tvs[-1]:.3f}" + (f", quartiles {quartiles(tvs)}" if len(tvs) > 3 else "")
        parts.append(f"N = {steps} {spread} (median {median(tvs):.3f}; {below} below the band, {above} above)")
    return f"d = {dim}, TV of {len(tvs)} mixtures: {'; '.join(parts)}."


def quartiles(values: Sequence[float]) -> str:
    """The first and third quartile in words."""
    first, _, third = quantiles(values, n=4, method="inclusive")
    return f"{first:.3f} and {third:.3f}"
