"""Budgets, published errors and FIDs of the ranking of solvers."""

from __future__ import annotations

from collections.abc import Sequence

from solvers_zoo.bench.experiment import table

BUDGETS = (5, 6, 8, 10, 12, 16, 20, 35)

#: Errors of the published implementations (diff-sampler, dpm-solver, k-diffusion) on the log-SNR grid, at `BUDGETS`.
PUBLISHED = table("""
ddim                                       .29 .24  .18  .14  .12  .087  .070  .040
heun                                       nan 3.3  1.8  .80  .46  .20   .12   nan
dpm-solver-2                               nan 1.3  .68  .26  .24  .10   .057  nan
ipndm-3                                    .12 .032 .016 .012 .010 .0071 .0051 .0019
dpmpp-2m                                   .13 .075 .074 .056 .040 .022  .014  .0042
dpmpp-3m-published(lower_order_final=true) .35 .30  .14  .042 .017 .0070 .0043 .0012
unipc-2(lower_order_final=true)            .14 .090 .075 .046 .027 .011  .0057 .0013
unipc-3(lower_order_final=true)            .41 .34  .12  .050 .025 .0095 .0047 .00046
lms-3                                      .26 .20  .13  .085 .061 .035  .021  .0058
exp-adams-4                                .12 .29  .18  .021 .033 .012  .0042 .00031
""")

#: FID of 50,000 CIFAR-10 images at ten evaluations with the unconditional EDM network: README of zju-pi/diff-sampler.
FID_AT_10 = {
    "ddim": 15.69,
    "heun": 15.93,
    "dpm-solver-2": 5.01,
    "dpmpp-3m-published(lower_order_final=true)": 3.00,
    "unipc-3(lower_order_final=true)": 2.89,
    "deis-tab3": 4.09,
    "ipndm-4": 2.77,
}

#: Grids among which the best is looked for.
GRIDS = ("log-snr", "karras", "flow-shift(shift=1)", "beta", "gits", "gits(base=log-snr)")

#: Sixteen draws z of N(0, I) in the plane, so that the figures need no generator.
STARTS = table("""
x -2.3104 -1.0608 -0.8840 -0.6232 -1.2956 0.3237  1.1357 0.0714  0.1535 -1.2609 -0.0200  0.1772  1.0112 -0.7730 -0.6870 -0.4484
y -0.3733  0.9995 -1.2755 -0.8664  1.5236 2.0177 -1.2269 0.3380 -0.6333 -0.7270  0.2103 -0.8305 -0.2427 -1.5952  1.4881 -0.8910
""")


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's coefficient of two sequences without ties."""
    ranks = [[sorted(values).index(value) for value in values] for values in (x, y)]
    n = len(x)
    return 1 - 6 * sum((a - b) ** 2 for a, b in zip(*ranks, strict=True)) / (n * (n * n - 1))
