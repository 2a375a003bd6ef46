"""Every rule on every process, the rules' own formulas, and what they refuse."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from bundled_sdes import SDES, ZERO
from hypothesis import given, settings
from hypothesis import strategies as st

import solvers_zoo as zoo
from solvers_zoo import catalogue
from solvers_zoo.time_grids.base import DEFAULT_STEPS
from solvers_zoo.time_grids.kappa import kappa_parts, kappa_steps

RULES = [
    zoo.grid("uniform"),
    zoo.grid("quadratic"),
    zoo.grid("quadratic", power=3.5),
    zoo.grid("log-snr"),
    zoo.grid("karras"),
    zoo.grid("karras", rho=3.0),
    zoo.grid("polyexponential"),
    zoo.grid("polyexponential", rho=1.5),
    zoo.grid("kappa"),
    zoo.grid("ddpm", spacing="leading"),
    zoo.grid("ddpm", spacing="leading", offset=1),
    zoo.grid("ddpm", spacing="linspace"),
    zoo.grid("ddpm", spacing="trailing"),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
@settings(max_examples=60, deadline=None)
@given(sde=st.sampled_from(SDES), steps=st.integers(1, 200))
def test_every_rule_on_every_process(rule, sde, steps):
    too_fine = not sde.discrete or steps > sde.t_max
    if ("discrete" in rule.card.needs and too_fine) or ("finite-lam" in rule.card.needs and sde in ZERO):
        with pytest.raises(zoo.ZooError, match="grid"):
            rule.make_grid(sde, steps)
        return
    grid = rule.make_grid(sde, steps)
    times = grid.times
    assert len(times) == steps + 1 == len(grid)
    assert grid.steps == steps
    assert all(t > s for t, s in pairwise(times))
    assert times[-1] == sde.t_min
    assert times[0] == sde.t_max or (times[0] < sde.t_max and "leading" in str(rule))
    assert sde.sigma(times[-1]) > 0
    assert all(type(t) is float for t in times)
    assert grid.smooth is rule.card.smooth
    assert [point.sigma for point in grid] == [sde.sigma(t) for t in times]


def test_every_registered_rule_is_tried():
    assert {rule.card.name for rule in catalogue.zoo_grids()} == {rule.spec_name() for rule in RULES} | {"explicit"}


# -- formulas -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sde", [zoo.VP(), zoo.EDM(), zoo.DDPMBetas(), zoo.SubVP()], ids=str)
class TestFormulas:
    def test_uniform(self, sde):
        steps = [t - s for t, s in pairwise(zoo.grid("uniform").make_grid(sde, 17).times)]
        assert steps == pytest.approx([(sde.t_max - sde.t_min) / 17] * 17)

    def test_quadratic(self, sde):
        roots = [t**0.5 for t in zoo.grid("quadratic").make_grid(sde, 17).times]
        assert [t - s for t, s in pairwise(roots)] == pytest.approx([(roots[0] - roots[-1]) / 17] * 17)

    def test_log_snr(self, sde):
        lams = [point.lam for point in zoo.grid("log-snr").make_grid(sde, 17)]
        assert [s - t for t, s in pairwise(lams)] == pytest.approx([(lams[-1] - lams[0]) / 17] * 17)

    def test_polyexponential(self, sde):
        grid = zoo.grid("polyexponential", rho=2.0).make_grid(sde, 10)
        first, last = grid[0].lam, grid[-1].lam
        assert [p.lam for p in grid] == pytest.approx([last + (1 - i / 10) ** 2 * (first - last) for i in range(11)])
        assert zoo.grid("polyexponential").make_grid(sde, 10).times == pytest.approx(
            zoo.grid("log-snr").make_grid(sde, 10).times, rel=1e-9
        )

    def test_karras(self, sde):
        grid = zoo.grid("karras", rho=5.0).make_grid(sde, 10)
        roots = [point.rho ** (1 / 5) for point in grid]
        assert [t - s for t, s in pairwise(roots)] == pytest.approx([(roots[0] - roots[-1]) / 10] * 10)


def test_karras_as_published():
    """The first noise levels of EDM's 18 steps."""
    times = zoo.grid("karras").make_grid(zoo.EDM(), 17).times
    assert times[:4] == pytest.approx([80.0, 57.5859, 40.7856, 28.3748], abs=1e-3)


# -- kappa --------------------------------------------------------------------------------------------------------------

OU8 = zoo.OU(t_min=1e-3, t_max=8.0)


def clock(grid):
    """Ornstein-Uhlenbeck times of a grid."""
    return [math.log1p(math.exp(-2 * point.lam)) / 2 for point in grid]


def keeps_the_rule(times, kappa):
    return all(t - s <= kappa * min(1.0, s) * (1 + 1e-12) for t, s in pairwise(times))


@pytest.mark.parametrize(("kappa", "steps"), [(0.4, 39), (0.2, 73), (0.1, 143), (0.05, 282), (0.025, 560)])
def test_kappa_fixes_the_steps(kappa, steps):
    rule = zoo.grid("kappa", kappa=kappa)
    assert (
        kappa_steps(kappa, 8.0, 1e-3) == math.ceil(7 / kappa) + math.ceil(math.log(1000) / math.log(1 + kappa)) == steps
    )
    grid = rule.make_grid(OU8)
    assert grid.steps == steps
    assert keeps_the_rule(grid.times, kappa)
    assert not keeps_the_rule(grid.times, 0.97 * kappa)  # it takes about as long steps as it may
    with pytest.raises(zoo.OptionError, match=f"makes {steps} steps"):
        rule.make_grid(OU8, 10)


@settings(max_examples=100, deadline=None)
@given(sde=st.sampled_from([sde for sde in SDES if sde not in ZERO]), steps=st.integers(2, 300))
def test_kappa_is_fitted_to_the_steps(sde, steps):
    rule = zoo.grid("kappa")
    grid, kappa = rule.make_grid(sde, steps), rule.kappa_of(sde, steps)
    times = clock(grid)
    # a time of the process is rounded, which moves u by du/dt times that, and a difference of two relatively more
    rounding = 1e-14 * max(1.0, *(abs(p.f - p.dsigma / p.sigma) * p.t for p in grid))
    slack = rounding * (1 + max(s / (t - s) for t, s in pairwise(times)))
    assert all(t - s <= kappa * min(1.0, s) * (1 + slack) for t, s in pairwise(times))
    # no smaller kappa does: with it the rule asks for more steps
    assert sum(kappa_parts(0.999 * kappa, times[0], times[-1])) > steps


def test_kappa_on_the_ornstein_uhlenbeck_process_is_in_its_own_time():
    grid = zoo.grid("kappa").make_grid(OU8, 40)
    assert clock(grid) == pytest.approx(grid.times, rel=1e-12)
    assert keeps_the_rule(grid.times, zoo.grid("kappa").kappa_of(OU8, 40))


@pytest.mark.parametrize(("T", "tau", "parts"), [(8.0, 2.0, (60, 0)), (0.5, 0.05, (0, 25)), (8.0, 0.5, (70, 8))])
def test_kappa_parts(T, tau, parts):
    assert kappa_parts(0.1, T, tau) == parts
    sde = zoo.OU(t_min=tau, t_max=T)
    grid = zoo.grid("kappa", kappa=0.1).make_grid(sde)
    assert (grid.steps, grid.times[0], grid.times[-1]) == (sum(parts), T, tau)
    assert keeps_the_rule(grid.times, 0.1)
    fitted = zoo.grid("kappa")
    assert keeps_the_rule(fitted.make_grid(sde, 30).times, fitted.kappa_of(sde, 30))


def test_one_kappa_step():
    assert zoo.grid("kappa").make_grid(OU8, 1).times == [8.0, 1e-3]


# -- indices of a table --------------------------------------------------------------------------------------------------

TABLE = zoo.DDPMBetas()


def spaced(steps, sde=TABLE, **options):
    return [int(t) for t in zoo.grid("ddpm", **options).make_grid(sde, steps).times]


def test_spacings_as_published():
    """Lin et al. 2024, Table 2 (whose indices count from 1), at 10 calls; the last index is where they end."""
    assert spaced(9, spacing="leading") == [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]
    assert spaced(9, spacing="linspace") == [999, 888, 777, 666, 555, 444, 333, 222, 111, 0]
    assert spaced(10, spacing="trailing") == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99, 0]
    assert spaced(10, spacing="leading", offset=1) == [901, 801, 701, 601, 501, 401, 301, 201, 101, 1, 0]


@pytest.mark.parametrize(
    "options",
    [{"spacing": "leading"}, {"spacing": "leading", "offset": 1}, {"spacing": "linspace"}, {"spacing": "trailing"}],
    ids=str,
)
@pytest.mark.parametrize("num", [2, 7, 50])
def test_any_number_of_distinct_indices(options, num):
    sde = zoo.DDPMBetas(num=num)
    for steps in range(1, num):
        times = zoo.grid("ddpm", **options).make_grid(sde, steps).times
        assert len(set(times)) == steps + 1
        assert all(t == int(t) for t in times)
        assert all(t > s for t, s in pairwise(times))
    assert spaced(num - 1, sde, **options) == list(range(num - 1, -1, -1))
    with pytest.raises(zoo.DomainError, match=f"at most {num - 1} steps"):
        spaced(num, sde, **options)


@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
@pytest.mark.parametrize("steps", [500, 667, 900, 998, 999])
def test_no_index_twice_in_long_runs(spacing, steps):
    assert len(set(spaced(steps, spacing=spacing))) == steps + 1


def test_an_offset_above_the_table_is_refused():
    with pytest.raises(zoo.DomainError, match="offset"):
        spaced(10, spacing="leading", offset=200)


def test_indices_need_a_table():
    with pytest.raises(zoo.IncompatibleError, match="not indices"):
        zoo.grid("ddpm").make_grid(zoo.VP(), 10)


# -- explicit times, and what is refused --------------------------------------------------------------------------------


def test_explicit_times():
    rule = zoo.grid("explicit", at=[80, 10, 0.002])
    grid = rule.make_grid(zoo.EDM())
    assert grid.times == [80.0, 10.0, 0.002]
    assert not grid.smooth
    assert rule.make_grid(zoo.EDM(), 2).times == grid.times
    assert zoo.grid("explicit", at=(0.002, 10, 80.0)).make_grid(zoo.EDM()).times == [0.002, 10.0, 80.0]
    with pytest.raises(zoo.OptionError, match="makes 2 steps"):
        rule.make_grid(zoo.EDM(), 5)
    with pytest.raises(zoo.OptionError, match="at least two"):
        zoo.grid("explicit", at=[80.0])
    for bad in (["a", 1.0], 3.0, [True, 1.0], [1.0, float("nan")]):
        with pytest.raises(zoo.OptionError, match="list of numbers"):
            zoo.grid("explicit", at=bad)
    with pytest.raises(zoo.DomainError, match="outside"):
        zoo.grid("explicit", at=[100.0, 1.0]).make_grid(zoo.EDM())


@pytest.mark.parametrize("sde", ZERO, ids=str)
@pytest.mark.parametrize("name", ["karras", "log-snr", "polyexponential", "kappa"])
def test_infinite_log_snr_is_refused_with_the_mend(sde, name):
    with pytest.raises(zoo.DomainError, match="alpha = 0 at t_max") as caught:
        zoo.grid(name).make_grid(sde, 10)
    assert "uniform" in str(caught.value)
    if "t_max" in sde.options():
        mended = sde.replace(t_max=0.999)
        assert "t_max=0.999" in str(caught.value)
        assert zoo.grid(name).make_grid(mended, 10).steps == 10


@pytest.mark.parametrize("steps", [0, -3, 2.5, True, math.inf, math.nan])
def test_impossible_steps(steps):
    with pytest.raises(zoo.OptionError, match="steps ="):
        zoo.grid("uniform").make_grid(zoo.VP(), steps)


def test_steps_by_default():
    assert zoo.grid("uniform").make_grid(zoo.VP()).steps == DEFAULT_STEPS


def test_an_option_that_overflows_is_said_so():
    with pytest.raises(zoo.DomainError, match="change its options"):
        zoo.grid("karras", rho=1e-3).make_grid(zoo.EDM(), 10)


class TooFew(zoo.GridRule):
    """A rule with a mistake."""

    card = zoo.GridCard(name="too-few", title="-", formula="-", source=zoo.Source(authors="-", title="-", where="-"))

    def times(self, sde, steps):
        return [sde.t_max, sde.t_min]


def test_a_rule_that_miscounts_is_caught():
    with pytest.raises(zoo.DomainError, match="made 1 steps where 7"):
        TooFew().make_grid(zoo.VP(), 7)


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ([], "at least two"),
        ([1.0], "at least two"),
        ([1.0, 0.5, 0.5, 0.1], "repeats"),
        ([1.0, 0.5, 0.7, 0.1], "turns back"),
        ([1.0, 0.0], "denoise=True"),
        ([1.0, math.nan], "not a number"),
        ([1.5, 0.1], "outside"),
    ],
)
def test_bad_times(times, why):
    with pytest.raises(zoo.DomainError, match=why):
        zoo.Grid(zoo.VP(), times)


def test_a_grid_is_a_sequence_of_points():
    grid = zoo.Grid(zoo.VP(), [1, 0.5, 0.1])
    assert grid.times == [1.0, 0.5, 0.1]
    assert [(t.t, s.t) for t, s in grid.intervals()] == [(1.0, 0.5), (0.5, 0.1)]
    assert grid[-1].t == 0.1
    assert zoo.Grid(zoo.VP(), [0.1, 0.5, 1.0]).times == [0.1, 0.5, 1.0]
    per_sample = zoo.Grid(zoo.VP(), [zoo.VP().at(torch.full((3, 1), t)) for t in (1.0, 0.5)])
    assert per_sample.steps == 1
