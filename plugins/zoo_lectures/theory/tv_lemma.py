r"""The lemma behind the convergence proof: total variation grows no faster than two flows part.

If rho and rho' follow d_t rho = div(U rho) and d_t rho' = div(U' rho'), then

    |TV(rho_T, rho'_T) - TV(rho_0, rho'_0)| <= 1/2 int_0^T int |div((U - U') rho)| dx dt.

U' has a known error of the score here. On the line the inner integral is the variation of delta e(x) q_t(x), and both total
variations come from the exact transport, so both sides are known to six digits.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    ratios,
    silent,
    track,
    where,
)
from zoo_lectures.huang.numbers import ERRORS, HUANG
from zoo_lectures.theory.transport_tv import flow_distance

T = 8.0
#: How long before the end the score goes wrong.
WINDOWS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
#: Times at which both sides are looked at as the error acts all along.
TIMES = (6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.35, 0.2, 0.1, 0.05, 0.02, 1e-5)
HORIZONS = (1.0, 2.0, 4.0, 8.0)


class TVLemma(Experiment):
    r"""Both sides of the lemma on three modes, for three errors of the score.

    Three parts of the table say where the error acts:

        in time     the error acts all along: TV of the generated law at time t, and the bound up to then
        windows     the error acts in the last w only: the two sides meet as w falls, so the constant 1/2 is the best
        prior       no error, but N(0, 1) for q_T: the bound is 0, and TV stays what it was at the start
    """

    card = zoo.StudyCard(
        name="tv-lemma",
        title="Total variation grows no faster than two flows part",
        claim="|TV(rho_T, rho'_T) - TV(rho_0, rho'_0)| <= 1/2 int int |div((U - U') rho)|, with equality as T falls to 0.",
        source=HUANG,
        seconds=90,
        quick_seconds=10,
    )
    delta: float = zoo.option(0.05, help="size of the score's error", above=0.0)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Every form at every time and in every window; the quick form has fewer times, windows and steps."""
        from zoo_lectures.theory.charts import lemma

        model = zoo.model("mixture-1d", sde=zoo.OU(t_max=T))
        last, every = model.sde.t_min, 3 if quick else 1
        steps, cells = (96, 2_000) if quick else (256, 20_000)
        jobs: list[tuple[str, str, float, float]] = [("time", form, T, t) for form in ERRORS for t in TIMES[::-every]]
        jobs += [("window", form, w, last) for form in ERRORS for w in WINDOWS[::every]]
        jobs += [("prior", "none", w, last) for w in HORIZONS]
        # between the times that are asked for, enough others that a handful of nodes serve each stretch
        between = [T / 2**k for k in range(10)]
        sums = bounds(model, {last, *between, *(t for job in jobs for t in job[2:])})
        rows: list[Row] = []
        for part, form, begin, end in track(jobs, progress):
            start = above = 0.0
            if part == "prior":
                tv = distance(model, model, begin, end, steps, True, cells)
                start = distance(model, model, begin, begin - 1e-9, 2, True, cells)
            else:
                tv = distance(model, zoo.ScoreError(model, self.delta, form), begin, end, steps, False, cells)
                above = self.delta * (sums[form][begin] - sums[form][end])
            facts = {"part": part, "form": form, "begin": begin, "end": end, "start": start}
            rows.append(facts | {"tv": tv, "grown": abs(tv - start), "bound": above})
        return self.judge(rows, {"lemma": lambda: lemma(rows)})

    def checks(self, rows: Rows) -> Checks:
        """The bound, its sharpness, and that nothing grows where only the prior is wrong."""
        windows = where(rows, part="window")
        largest = max(ratios([*where(rows, part="time"), *windows], "grown", "bound"))
        yield Check(
            "bound", "TV over its bound, the largest of all runs, to a quadrature's 1e-5", largest, 0.0, 1.00001
        )
        short = min(column(windows, "begin"))
        closest = min(ratios(windows, "grown", "bound", begin=short))
        yield Check(
            "sharp", f"the same, smallest, where the score is wrong in the last {short:g} only", closest, 0.999, 1.0
        )
        yield Check(
            "prior",
            "change of TV where only the prior is wrong, T = 1 to 8: the bound is 0",
            max(column(rows, "grown", part="prior")),
            0.0,
            1e-6,
        )


def bounds(model: zoo.AnalyticModel, times: Iterable[float]) -> dict[str, dict[float, float]]:
    """For every form of error, 1/2 int_0^t int |d/dx (e(x) q_u(x))| dx du at ``times``, but for the first one's constant.

    Gauss-Legendre in time between neighbours, and the variation over x, which is the inner integral. The densities serve all forms.
    """
    import numpy as np
    import torch

    from solvers_zoo.exact import Law
    from zoo_lectures.quadrature import nodes

    x = torch.linspace(-14.0, 14.0, 20_001, dtype=torch.float64)
    edges = sorted(times)
    places, weights = nodes(edges, 8)
    densities = [np.exp(Law.of(model, model.sde.at(t)).log_pdf(x.numpy())) for t in places]
    found = {}
    for form in ERRORS:
        error = zoo.ScoreError(model, 1.0, form).error(x[:, None])[:, 0].numpy()
        rates = np.array([np.abs(np.diff(error * density)).sum() / 2 for density in densities])
        sums = np.cumsum((weights * rates).reshape(len(edges) - 1, -1).sum(1))
        found[form] = dict(zip(edges, [0.0, *sums.tolist()], strict=True))
    return found


def distance(
    model: zoo.AnalyticModel,
    seen: zoo.ScoreModel,
    begin: float,
    end: float,
    steps: int,
    prior: bool,
    cells: int,
) -> float:
    """TV between the exact law at ``end`` and where the flow by the score of ``seen`` takes that at ``begin``, or N(0, 1)."""
    import numpy as np

    # half of the steps for the last tenth, where the modes part
    knee = end + (begin - end) / 10
    times = [*np.linspace(begin, knee, steps // 2 + 1), *np.linspace(knee, end, steps // 2 + 1)[1:]]
    return flow_distance(model, seen, zoo.solver("rk4(variable=t)"), zoo.Grid(model.sde, times), prior, cells).tv
