r"""The variance-exploding toy of Tomczak's book: dX = s^t dW with s = 1.01 on N(0, v), at 20 times from 1 to 1e-5.

A Gaussian score makes each Euler step a factor, 1 - h g^2 / (2 (v + sigma^2)), so the final standard deviation is a product. The
published loop takes score and g at the time of arrival, which is neither Euler's explicit step nor the implicit one; its prior is
N(0, sigma_1^2), too narrow by the data's own variance, so that the exact flow ends at sqrt(v) sigma_1 / sqrt(v + sigma_1^2).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, column, silent, track
from solvers_zoo.registry.card import Source, StudyCard

if TYPE_CHECKING:
    from collections.abc import Sequence

ARRIVAL, EXPLICIT, FLOW = "published loop (score at arrival)", "explicit Euler", "exact flow"
SOLVERS = {ARRIVAL: "euler-arrival", EXPLICIT: "euler(variable=t)"}
#: sd of the data -> final sd of the published loop, of explicit Euler, and of the exact flow to t = 0; from the published prior.
FIGURES = {
    1.0: (0.701764, 0.711105, 0.708866),
    0.5: (0.417838, 0.457043, 0.447658),
    0.1: (-0.265775, 0.158866, 0.099509),
}
#: sd of the data -> final sd of the published loop from the exact law at t = 1.
FROM_EXACT = {1.0: 0.9900, 0.5: 0.4667}
INTERVALS = 19
#: Modes of the data in the picture of paths: the middle and the sides of the book's interval [-1, 1].
MODES, MODE_SD = (-0.75, 0.0, 0.75), 0.08


class Tomczak(Experiment):
    """Standard deviations along the published loop, explicit Euler and the exact flow, for three widths of the data."""

    card = StudyCard(
        name="tomczak",
        title="Tomczak's variance-exploding example",
        claim="The published loop ends at sd .4178 for data of sd .5, explicit Euler at .4570, the exact flow at .4477; on data of sd .1 "
        "the loop is unstable.",
        source=Source(
            authors="Tomczak 2024",
            title="Deep Generative Modeling (2nd edition)",
            link="https://doi.org/10.1007/978-3-031-64087-2",
            where="Chapter 9, the variance exploding SDE",
        ),
        seconds=2,
        quick_seconds=2,
    )

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Both loops and the flow at all twenty times, from the published prior."""
        rows: list[Row] = []
        for sd in track(list(FIGURES), progress):
            for name in (ARRIVAL, EXPLICIT, FLOW):
                rows += [
                    {"data_sd": sd, "loop": name, "t": t, "sd": value, "start": "published prior"}
                    for t, value in zip(times(), path(sd, name), strict=True)
                ]
            for name in (ARRIVAL, FLOW):
                end = path(sd, name, exact_start=True)[-1]
                rows.append({"data_sd": sd, "loop": name, "t": times()[-1], "sd": end, "start": "exact law"})
        return Findings(
            rows,
            self.checks(rows),
            {"sd": lambda: sd_chart(rows), "paths": paths_chart},
            [
                "On data of sd 0.1 the loop's last factor lies below -1: the score at arrival is so steep that x overshoots and turns its sign.",
                "At base 1.01 g and g^2 are the same to a hundredth, which hides that the loop has g where the flow has g^2.",
            ],
        )

    def checks(self, rows: list[Row]) -> list[Check]:
        """The process, both loops to six digits, what the prior lacks, and the factor that overshoots."""
        sde = process()
        checks = [
            _close("prior", "the prior's variance is (s^2 - 1)/(2 log s) = 1.010017", sde.sigma(1.0) ** 2, 1.010017),
            _close("middle", "sigma^2 at t = 1/2 is 0.502496", sde.sigma(0.5) ** 2, 0.502496),
        ]
        for sd, figures in FIGURES.items():
            ends = [
                column(rows, "sd", data_sd=sd, loop=name, start="published prior")[-1] for name in (ARRIVAL, EXPLICIT)
            ]
            for name, end, figure in zip((ARRIVAL, EXPLICIT), ends, figures, strict=False):
                words = f"{name} ends at sd {figure} for data of sd {sd:g}"
                checks.append(_close(f"{SOLVERS[name]}, {sd:g}", words, end, figure))
            narrow = sd * sde.prior_std(1.0) / math.hypot(sd, sde.prior_std(1.0))
            words = f"the exact flow to t = 0 makes of the prior sd s sigma_1 / sqrt(s^2 + sigma_1^2) = {figures[2]}"
            checks.append(_close(f"flow, {sd:g}", words, narrow, figures[2]))
            (end,) = column(rows, "sd", data_sd=sd, loop=FLOW, t=times()[-1], start="exact law")
            words = f"from the exact law the flow ends at the data's sd {sd:g} and the noise left at t = 1e-5"
            left = math.hypot(sd, sde.sigma(times()[-1]))
            checks.append(_close(f"flow from the exact law, {sd:g}", words, end, left, 1e-12))
        for sd, figure in FROM_EXACT.items():
            (end,) = column(rows, "sd", data_sd=sd, loop=ARRIVAL, start="exact law")
            words = f"from the exact law the published loop ends at {figure} for data of sd {sd:g}"
            checks.append(_close(f"loop from the exact law, {sd:g}", words, end, figure, 5e-5))
        *_, before, last = column(rows, "sd", data_sd=0.1, loop=ARRIVAL, start="published prior")
        checks.append(
            Check("last factor", "for data of sd 0.1 the last step turns the sign and grows", last / before, high=-1.0)
        )
        off = max(abs(_factor_product(sd, name) - end) for sd, name, end in self._ends(rows))
        checks.append(Check("closed form", "the loops are the products of their factors", off, high=1e-11))
        return checks

    def _ends(self, rows: list[Row]) -> list[tuple[float, str, float]]:
        return [
            (sd, name, column(rows, "sd", data_sd=sd, loop=name, start="published prior")[-1])
            for sd in FIGURES
            for name in SOLVERS
        ]


def _close(name: str, claim: str, value: float, figure: float, tolerance: float = 1e-6) -> Check:
    """A check that a value is a figure: by how much it is not."""
    return Check(name, f"{claim}: off by", abs(value - figure), high=tolerance)


# -- the arithmetic ----------------------------------------------------------------------------------------------------


def process() -> Any:
    """dX = 1.01^t dW down to t = 1e-5."""
    from solvers_zoo.processes.ve_power import VEPower

    return VEPower(base=1.01, t_min=1e-5, t_max=1.0)


def times() -> Sequence[float]:
    """Twenty times, evenly spaced from 1 to 1e-5."""
    from solvers_zoo.time_grids.uniform import Uniform

    grid: Any = Uniform().make_grid(process(), INTERVALS)
    found: Sequence[float] = grid.times
    return found


def path(sd: float, name: str, exact_start: bool = False) -> list[float]:
    """The signed standard deviation at all twenty times, by the zoo's own solver or in closed form."""
    import torch

    from solvers_zoo.exact.flows import gaussian_flow
    from solvers_zoo.sampling.driver import sample
    from solvers_zoo.score_models.gaussian import Gaussian

    sde = process()
    model = Gaussian([0.0], sd**2, sde)
    start = math.hypot(sd, sde.sigma(1.0)) if exact_start else sde.prior_std(1.0)
    x = torch.full((1, 1), start, dtype=torch.float64)
    if name == FLOW:
        return [float(gaussian_flow(model, x, sde.at(1.0), sde.at(t))) for t in times()]
    done = sample(model, SOLVERS[name], steps=INTERVALS, grid="uniform", x=x, trajectory=True)
    assert done.trajectory is not None
    values: list[float] = done.trajectory.flatten().tolist()
    return values


def _factor_product(sd: float, name: str) -> float:
    """The final sd as the prior's, times 1 - h g^2 / (2 (v + sigma^2)) for every step."""
    sde, product = process(), process().prior_std(1.0)
    for t, s in zip(times(), times()[1:], strict=False):
        point = sde.at(s if name == ARRIVAL else t)
        product *= 1 - (t - s) * point.g2 / 2 / (sd**2 + point.sigma**2)
    return float(product)


# -- charts ------------------------------------------------------------------------------------------------------------


def sd_chart(rows: list[Row]) -> Any:
    """Signed sd over time, a panel for each width of the data."""
    from solvers_zoo.charts import lines

    started = [row for row in rows if row["start"] == "published prior"]
    exact = {(row["data_sd"], row["t"]): row["sd"] for row in started if row["loop"] == FLOW}
    shown = [
        {**row, "ratio": row["sd"] / exact[row["data_sd"], row["t"]], "data": f"data of sd {row['data_sd']:g}"}
        for row in started
    ]
    return lines(
        shown,
        "t",
        "ratio",
        "loop",
        order=[FLOW, EXPLICIT, ARRIVAL],
        panel="data",
        panels=[f"data of sd {sd:g}" for sd in FIGURES],
        columns=3,
        log="",
        reverse=True,
        width=240,
        height=260,
        x_title="time t",
        y_title="sd over the exact flow's",
        title="Nineteen Euler steps, and where the score is taken",
        subtitle="dX = 1.01^t dW on N(0, s²) from the published prior N(0, 1.01); below 0 the sign has turned; scales differ",
    ).resolve_scale(y="independent")


def paths_chart() -> Any:
    """Paths of the published loop on three modes, over the exact density."""
    import torch

    from solvers_zoo.charts import scatter as drawing
    from solvers_zoo.sampling.driver import sample
    from solvers_zoo.score_models.mixture import Mixture

    sde = process()
    model = Mixture([1, 1, 1], [[mode] for mode in MODES], MODE_SD**2, sde)
    starts = torch.linspace(-2.2, 2.2, 23, dtype=torch.float64)[:, None]
    lines: list[Row] = []
    for name, solver, steps in ((ARRIVAL, SOLVERS[ARRIVAL], INTERVALS), (FLOW, "rk4(variable=t)", 16 * INTERVALS)):
        done = sample(model, solver, steps=steps, grid="uniform", x=starts, trajectory=True)
        assert done.trajectory is not None
        every = max(steps // (8 * INTERVALS), 1)
        lines += [
            {"t": t, "x": float(x), "path": index, "loop": name}
            for t, row in zip(done.grid[::every], done.trajectory[::every], strict=True)
            for index, x in enumerate(row)
        ]
    places = torch.linspace(-2.4, 2.4, 121, dtype=torch.float64)[:, None]
    density = [
        {"t": (i + 0.5) / 80, "x": float(x), "density": float(p)}
        for i in range(80)
        for x, p in zip(places, model.log_density(places, sde.at((i + 0.5) / 80)).exp(), strict=True)
    ]
    return drawing.paths(
        lines,
        density,
        "t",
        "x",
        panel="loop",
        panels=[FLOW, ARRIVAL],
        title="The flow to three modes, and nineteen steps towards them",
        subtitle=f"modes at -0.75, 0, 0.75 with sd {MODE_SD:g}; behind the paths the exact density at each time",
    )
