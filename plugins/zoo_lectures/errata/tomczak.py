r"""The variance-exploding toy of Tomczak's book: dX = s^t dW with s = 1.01 on N(0, v), at 20 times from 1 to 1e-5.

A Gaussian score makes each Euler step a factor, 1 - h g^2 / (2 (v + sigma^2)), so the final standard deviation is a product. The
published loop takes score and g at the time of arrival, which is neither Euler's explicit step nor the implicit one; its prior is
N(0, sigma_1^2), too narrow by the data's own variance, so that the exact flow ends at sqrt(v) sigma_1 / sqrt(v + sigma_1^2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import (
    Check,
    Checks,
    Experiment,
    Findings,
    Progress,
    Row,
    Rows,
    column,
    only,
    silent,
    track,
)
from zoo_lectures.errata.numbers import (
    ARRIVAL,
    EXACT,
    EXPLICIT,
    FIGURES,
    FLOW,
    FROM_EXACT,
    INTERVALS,
    MODE_SD,
    MODES,
    PRIOR,
    SOLVERS,
)


class Tomczak(Experiment):
    """Standard deviations along the published loop, explicit Euler and the exact flow, for three widths of the data."""

    card = zoo.StudyCard(
        name="tomczak",
        title="Tomczak's variance-exploding example",
        claim="The published loop ends at sd .4178 for data of sd .5, explicit Euler at .4570, the exact flow at .4477; on data of sd .1 "
        "the loop is unstable.",
        source=zoo.Source(
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
        from zoo_lectures.errata import charts

        rows: list[Row] = []
        for sd in track(list(FIGURES), progress):
            for name in (ARRIVAL, EXPLICIT, FLOW):
                facts = {"data_sd": sd, "loop": name, "start": PRIOR}
                rows += [facts | {"t": t, "sd": end} for t, end in zip(times(), path(sd, name), strict=True)]
            for name in (ARRIVAL, FLOW):
                end = path(sd, name, exact_start=True)[-1]
                rows.append({"data_sd": sd, "loop": name, "start": EXACT, "t": times()[-1], "sd": end})
        return self.judge(
            rows,
            {"sd": lambda: charts.spread(rows), "paths": lambda: charts.paths(three_modes(), density())},
            [
                "On data of sd 0.1 the loop's last factor lies below -1: the score at arrival is so steep that x overshoots and turns its sign.",
                "At base 1.01 g and g^2 are the same to a hundredth, which hides that the loop has g where the flow has g^2.",
            ],
        )

    def checks(self, rows: Rows) -> Checks:
        """The process, both loops to six digits, what the prior lacks, and the factor that overshoots."""
        sde = process()
        yield _close("prior", "the prior's variance is (s^2 - 1)/(2 log s) = 1.010017", sde.sigma(1.0) ** 2, 1.010017)
        yield _close("middle", "sigma^2 at t = 1/2 is 0.502496", sde.sigma(0.5) ** 2, 0.502496)
        off = 0.0
        for sd, figures in FIGURES.items():
            for (name, solver), figure in zip(SOLVERS.items(), figures[:2], strict=True):
                end = column(rows, "sd", data_sd=sd, loop=name, start=PRIOR)[-1]
                yield _close(f"{solver}, {sd:g}", f"{name} ends at sd {figure} for data of sd {sd:g}", end, figure)
                off = max(off, abs(_factor_product(sd, name) - end))
            narrow = sd * sde.prior_std(1.0) / math.hypot(sd, sde.prior_std(1.0))
            yield _close(
                f"flow, {sd:g}",
                f"the exact flow to t = 0 makes of the prior sd s sigma_1 / sqrt(s^2 + sigma_1^2) = {figures[2]}",
                narrow,
                figures[2],
            )
            end = only(rows, data_sd=sd, loop=FLOW, start=EXACT)["sd"]
            left = math.hypot(sd, sde.sigma(times()[-1]))
            yield _close(
                f"flow from the exact law, {sd:g}",
                f"from the exact law the flow ends at the data's sd {sd:g} and the noise left at t = 1e-5",
                end,
                left,
                1e-12,
            )
        for sd, figure in FROM_EXACT.items():
            end = only(rows, data_sd=sd, loop=ARRIVAL, start=EXACT)["sd"]
            yield _close(
                f"loop from the exact law, {sd:g}",
                f"from the exact law the published loop ends at {figure} for data of sd {sd:g}",
                end,
                figure,
                5e-5,
            )
        *_, before, last = column(rows, "sd", data_sd=0.1, loop=ARRIVAL, start=PRIOR)
        yield Check("last factor", "for data of sd 0.1 the last step turns the sign and grows", last / before, high=-1)
        yield Check("closed form", "the loops are the products of their factors", off, high=1e-11)


def _close(name: str, claim: str, value: float, figure: float, tolerance: float = 1e-6) -> Check:
    """A check that a value is a figure: by how much it is not."""
    return Check(name, f"{claim}: off by", abs(value - figure), high=tolerance)


# -- the arithmetic ----------------------------------------------------------------------------------------------------


def process() -> zoo.VEPower:
    """The process dX = 1.01^t dW down to t = 1e-5."""
    return zoo.VEPower(base=1.01, t_min=1e-5, t_max=1.0)


def times() -> Sequence[float]:
    """Twenty times, evenly spaced from 1 to 1e-5."""
    grid: zoo.Grid = zoo.grid("uniform").make_grid(process(), INTERVALS)
    return grid.times


def path(sd: float, name: str, exact_start: bool = False) -> list[float]:
    """The signed standard deviation at all twenty times, by the zoo's own solver or in closed form."""
    import torch

    from solvers_zoo.exact import gaussian_flow

    sde = process()
    model = zoo.Gaussian([0.0], sd**2, sde)
    start = math.hypot(sd, sde.sigma(1.0)) if exact_start else sde.prior_std(1.0)
    x = torch.full((1, 1), start, dtype=torch.float64)
    if name == FLOW:
        return [float(gaussian_flow(model, x, sde.at(1.0), sde.at(t))) for t in times()]
    done = zoo.sample(model, SOLVERS[name], steps=INTERVALS, grid="uniform", x=x, trajectory=True)
    assert done.trajectory is not None
    return done.trajectory.flatten().tolist()


def _factor_product(sd: float, name: str) -> float:
    """The final sd as the prior's, times 1 - h g^2 / (2 (v + sigma^2)) for every step."""
    sde, product = process(), process().prior_std(1.0)
    for t, s in pairwise(times()):
        point = sde.at(s if name == ARRIVAL else t)
        product *= float(1 - (t - s) * point.g2 / 2 / (sd**2 + point.sigma**2))
    return product


def _three() -> zoo.Mixture:
    return zoo.Mixture([1, 1, 1], [[mode] for mode in MODES], MODE_SD**2, process())


def three_modes() -> list[Row]:
    """Points of 23 paths to three modes, by the published loop and by the flow."""
    import torch

    starts = torch.linspace(-2.2, 2.2, 23, dtype=torch.float64)[:, None]
    rows: list[Row] = []
    for name, solver, steps in ((ARRIVAL, SOLVERS[ARRIVAL], INTERVALS), (FLOW, "rk4(variable=t)", 16 * INTERVALS)):
        done = zoo.sample(_three(), solver, steps=steps, grid="uniform", x=starts, trajectory=True)
        assert done.trajectory is not None
        every = max(steps // (8 * INTERVALS), 1)
        rows += [
            {"t": t, "x": x, "path": index, "loop": name}
            for t, state in zip(done.grid[::every], done.trajectory[::every], strict=True)
            for index, x in enumerate(state.flatten().tolist())
        ]
    return rows


def density() -> list[Row]:
    """The exact density of three modes as tiles about 80 times and 121 places, shaded by its square root."""
    import torch

    model, places = _three(), torch.linspace(-2.4, 2.4, 121, dtype=torch.float64)
    wide, high = 0.65 / 80, 0.65 * 0.04  # tiles overlap a little: where they only touch, a renderer leaves seams
    rows: list[Row] = []
    for t in ((i + 0.5) / 80 for i in range(80)):
        shades = (model.log_density(places[:, None], model.sde.at(t)) / 2).exp().tolist()
        edges = {"t": t + wide, "t2": t - wide}
        rows += [
            edges | {"x": x - high, "x2": x + high, "shade": shade}
            for x, shade in zip(places.tolist(), shades, strict=True)
        ]
    return rows
