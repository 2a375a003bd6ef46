"""Every process against 50-digit arithmetic, against its own generic forms, and at the ends of its interval."""

from __future__ import annotations

import functools
import math
from itertools import pairwise
from typing import Any

import mpmath
import pytest
import torch
from bundled_sdes import PRESERVING, SDES, ZERO
from hypothesis import given, settings
from hypothesis import strategies as st

import solvers_zoo as zoo
from solvers_zoo.processes.base import SCHEDULE

mp = mpmath.mp.clone()
mp.dps = 50
FIELDS = ("t", "g2", "alpha", "sigma", "lam", "dalpha", "dsigma")
IDS = [str(sde) for sde in SDES]


# -- the processes again, in 50 digits and straight from their definitions ---------------------------------------------


@functools.lru_cache
def log_alpha_table(sde: zoo.DDPMBetas) -> list[Any]:
    """log alpha at the indices: products of 1 - beta, and Algorithm 1 of Lin et al. for zero_snr."""
    start, end, last = mp.mpf(sde.beta_start), mp.mpf(sde.beta_end), sde.num - 1
    if sde.schedule == "linear":
        betas = [start + (end - start) * i / last for i in range(sde.num)]
    elif sde.schedule == "scaled-linear":
        betas = [(mp.sqrt(start) + (mp.sqrt(end) - mp.sqrt(start)) * i / last) ** 2 for i in range(sde.num)]
    else:
        bar = [
            mp.cos((mp.mpf(i) / sde.num + mp.mpf("0.008")) / mp.mpf("1.008") * mp.pi / 2) ** 2
            for i in range(sde.num + 1)
        ]
        betas = [min(1 - after / before, mp.mpf("0.999")) for before, after in pairwise(bar)]
    alphas, product = [], mp.mpf(1)
    for beta in betas:
        product *= 1 - beta
        alphas.append(mp.sqrt(product))
    if sde.zero_snr:
        alphas = [(a - alphas[-1]) * alphas[0] / (alphas[0] - alphas[-1]) for a in alphas]
    return [mp.log(a) if a else mp.ninf for a in alphas]


def alpha_sigma(sde: Any, t: Any) -> tuple[Any, Any]:
    """alpha and sigma in 50 digits."""
    if isinstance(sde, zoo.OU):
        return mp.exp(-t), mp.sqrt(1 - mp.exp(-2 * t))
    if isinstance(sde, zoo.VP | zoo.SubVP):
        B = mp.mpf(sde.beta_min) * t + (mp.mpf(sde.beta_max) - mp.mpf(sde.beta_min)) * t**2 / 2
        return mp.exp(-B / 2), 1 - mp.exp(-B) if isinstance(sde, zoo.SubVP) else mp.sqrt(1 - mp.exp(-B))
    if isinstance(sde, zoo.Cosine):
        s = mp.mpf(sde.s)
        alpha = mp.cos((t + s) / (1 + s) * mp.pi / 2) / mp.cos(s / (1 + s) * mp.pi / 2) if t != 1 else mp.mpf(0)
        return alpha, mp.sqrt(1 - alpha**2)
    if isinstance(sde, zoo.RectifiedFlow):
        return 1 - t, t
    if isinstance(sde, zoo.VE):
        return mp.mpf(1), mp.mpf(sde.sigma_min) * (mp.mpf(sde.sigma_max) / mp.mpf(sde.sigma_min)) ** t
    if isinstance(sde, zoo.VEPower):
        return mp.mpf(1), mp.sqrt((mp.mpf(sde.base) ** (2 * t) - 1) / (2 * mp.log(mp.mpf(sde.base))))
    if isinstance(sde, zoo.Brownian):
        return mp.mpf(1), mp.sqrt(t)
    if isinstance(sde, zoo.EDM):
        return mp.mpf(1), t
    assert isinstance(sde, zoo.DDPMBetas)
    table, i = log_alpha_table(sde), max(int(mp.ceil(t)) - 1, 0)
    if table[i + 1] == mp.ninf:
        alpha = mp.exp(table[i]) * (i + 1 - t)
    else:
        alpha = mp.exp(table[i] + (t - i) * (table[i + 1] - table[i]))
    return alpha, mp.sqrt(1 - alpha**2)


def diffusion_squared(sde: Any, t: Any) -> Any:
    """g^2 = d sigma^2/dt - 2 (d log alpha/dt) sigma^2 by differences in 120 digits, on the side below t."""
    with mp.workdps(120):
        h = mp.mpf(10) ** -40
        (a1, s1), (a2, s2), (a3, s3) = (alpha_sigma(sde, t - k * h) for k in range(3))
        if a1 == 0:
            return mp.inf
        f = (3 * mp.log(a1) - 4 * mp.log(a2) + mp.log(a3)) / (2 * h)
        return (3 * s1**2 - 4 * s2**2 + s3**2) / (2 * h) - 2 * f * s1**2


def times_of(sde: Any) -> list[float]:
    """Both ends, powers down from the upper one, up from the lower one, and 1e-5."""
    width = sde.t_max - sde.t_min
    inner = [sde.t_min + width * 10**-e for e in (0.1, 0.3, 1, 2, 3, 4)] + [
        sde.t_max - width * 10**-e for e in (1, 3, 6)
    ]
    return sorted({*inner, sde.t_min, sde.t_max, 1e-5 if sde.t_min <= 1e-5 else sde.t_min})


def off(got: float, true: Any, floor: float = 0.0) -> float:
    """Relative error; 0 for the same infinity."""
    if mp.isinf(true):
        return 0.0 if got == float(true) else math.inf
    return float(abs(mp.mpf(got) - true) / max(abs(true), floor or mp.mpf("1e-300")))


def check_against_digits(sde: Any, times: list[float], values: dict[str, list[float]], bound: float) -> None:
    for i, t in enumerate(times):
        exact = mp.mpf(t)
        alpha, sigma = alpha_sigma(sde, exact)
        lam = mp.log(alpha / sigma) if alpha else mp.ninf
        got = {name: column[i] for name, column in values.items()}
        assert off(got["alpha"], alpha, floor=1e-300) <= bound, (t, got)
        assert off(got["sigma"], sigma) <= bound, (t, got)
        assert off(got["lam"], lam, floor=1.0) <= bound, (t, got)
        assert off(got["diffusion_squared"], diffusion_squared(sde, exact)) <= bound, (t, got)


NAMES = ("alpha", "sigma", "lam", "diffusion_squared")


@pytest.mark.parametrize("sde", SDES, ids=IDS)
class TestDigits:
    def test_floats(self, sde):
        times = times_of(sde)
        check_against_digits(sde, times, {n: [getattr(sde, n)(t) for t in times] for n in NAMES}, 1e-12)

    def test_points(self, sde):
        times = times_of(sde)
        fields = {"alpha": "alpha", "sigma": "sigma", "lam": "lam", "diffusion_squared": "g2"}
        points = [sde.at(t) for t in times]
        check_against_digits(sde, times, {n: [getattr(p, f) for p in points] for n, f in fields.items()}, 1e-12)

    def test_float64_tensors(self, sde):
        times = times_of(sde)
        t = torch.tensor(times, dtype=torch.float64)
        check_against_digits(sde, times, {n: getattr(sde, n)(t).tolist() for n in NAMES}, 1e-12)

    def test_float32_tensors(self, sde):
        t = torch.tensor(times_of(sde), dtype=torch.float32).clamp(max=sde.t_max)
        values = {n: getattr(sde, n)(t) for n in NAMES}
        assert all(value.dtype is torch.float32 for value in values.values())
        check_against_digits(sde, t.double().tolist(), {n: v.tolist() for n, v in values.items()}, 2e-7)


# -- closed forms against the generic ones ------------------------------------------------------------------------------


def inside(sde: Any) -> list[float]:
    """Times within, off the knots of a table."""
    return [sde.t_min + (sde.t_max - sde.t_min) * part for part in (0.00213, 0.0517, 0.317, 0.6311, 0.9337)]


@pytest.mark.parametrize("sde", SDES, ids=IDS)
class TestForms:
    @pytest.mark.parametrize("name", ["dalpha", "dsigma", "lam", "diffusion_squared"])
    def test_closed_form_is_the_generic_one(self, sde, name):
        for t in inside(sde):
            generic = getattr(zoo.GaussianSDE, name)(sde, t)
            assert getattr(sde, name)(t) == pytest.approx(generic, rel=1e-9, abs=1e-12 * (name == "lam"))

    def test_points_hold_the_functions(self, sde):
        for t in [*inside(sde), sde.t_min, sde.t_max]:
            point = sde.at(t)
            named = {"g2": sde.diffusion_squared(t), **{n: getattr(sde, n)(t) for n in SCHEDULE[:5]}}
            for name, value in named.items():
                assert getattr(point, name) == pytest.approx(value, rel=1e-14, abs=1e-15), (t, name)

    def test_tensor_points_hold_the_same(self, sde):
        times = [*inside(sde), sde.t_min, sde.t_max]
        tensors = sde.at(torch.tensor(times, dtype=torch.float64))
        for i, t in enumerate(times):
            point = sde.at(t)
            for name in (*FIELDS, "g", "f", "rho"):
                assert float(getattr(tensors, name)[i]) == pytest.approx(getattr(point, name), rel=1e-13, abs=1e-14), (
                    name
                )

    def test_t_of_lam_inverts_lam(self, sde):
        for t in [*inside(sde), sde.t_min, sde.t_max]:
            lam = sde.lam(t)
            slope = sde.dalpha(t) / sde.alpha(t) - sde.dsigma(t) / sde.sigma(t) if sde.alpha(t) else -math.inf
            # what one rounding of lam moves t by, and one rounding of t
            slack = (
                8e-16 * (abs(t) + max(1.0, abs(lam) if math.isfinite(lam) else 1.0) / abs(slope)) + 1e-15 * sde.t_max
            )
            assert abs(sde.t_of_lam(lam) - t) <= 4 * slack
            assert abs(float(sde.t_of_lam(torch.tensor([lam], dtype=torch.float64))) - t) <= 4 * slack
            assert abs(sde.at_rho(sde.at(t).rho).t - t) <= 8 * slack

    def test_generic_inverse(self, sde):
        for t in inside(sde):
            lam = sde.lam(t)
            assert zoo.GaussianSDE.t_of_lam(sde, lam) == pytest.approx(sde.t_of_lam(lam), rel=1e-10)
            both = zoo.GaussianSDE.t_of_lam(sde, torch.tensor([lam, lam + 0.1], dtype=torch.float64))
            assert both.dtype is torch.float64
            assert float(both[0]) == pytest.approx(sde.t_of_lam(lam), rel=1e-10)

    def test_drift_and_diffusion_come_from_the_point(self, sde):
        t, x = inside(sde)[2], torch.tensor([[1.0, -2.0]], dtype=torch.float64)
        assert torch.allclose(sde.drift(x, t), sde.at(t).f * x, rtol=1e-15)
        assert sde.diffusion(t) == pytest.approx(sde.at(t).g)


@pytest.mark.parametrize("sde", SDES, ids=IDS)
@settings(max_examples=25, deadline=None)
@given(a=st.floats(0, 1), b=st.floats(0, 1))
def test_signal_falls_and_noise_grows(sde, a, b):
    early, late = sorted(sde.t_min + part * (sde.t_max - sde.t_min) for part in (a, b))
    assert sde.alpha(early) >= sde.alpha(late) >= 0
    assert 0 < sde.sigma(early) <= sde.sigma(late)
    assert sde.lam(early) >= sde.lam(late)
    assert sde.diffusion_squared(early) >= 0


@pytest.mark.parametrize("sde", PRESERVING, ids=str)
def test_unit_covariance_is_kept(sde):
    for t in times_of(sde):
        point = sde.at(t)
        assert point.alpha**2 + point.sigma**2 == pytest.approx(1.0, abs=1e-12)
        if point.alpha:  # d Cov/dt = 2 f + g^2 = 0
            assert 2 * point.f + point.g2 == pytest.approx(0.0, abs=1e-12 * point.g2)
    assert sde.prior_std(sde.t_max) == 1.0


def test_sub_vp_has_less_noise_than_vp():
    vp, sub = zoo.VP(t_min=1e-5), zoo.SubVP(t_min=1e-5)
    for t in times_of(vp):
        assert sub.sigma(t) <= vp.sigma(t)
        assert sub.sigma(t) == pytest.approx(vp.sigma(t) ** 2, rel=1e-14)  # ratio sqrt(1 - e^-B)
        assert sub.alpha(t) == vp.alpha(t)


def test_figures_of_the_literature():
    table = zoo.DDPMBetas()
    assert table.sigma(0.0) == pytest.approx(0.01, rel=1e-9)
    assert table.alpha(999.0) ** 2 == pytest.approx(4.035830e-5, rel=1e-6)
    assert table.at(999.0).rho == pytest.approx(157.41, abs=0.01)
    assert zoo.VEPower(base=1.01).sigma(1.0) ** 2 == pytest.approx(1.010017, abs=1e-6)
    assert zoo.VEPower(base=1.01).sigma(0.5) ** 2 == pytest.approx(0.502496, abs=1e-6)
    ve = zoo.VE()
    assert (ve.sigma(0.0), ve.sigma(1.0)) == (pytest.approx(0.01), pytest.approx(50.0))
    assert ve.diffusion(0.5) == pytest.approx(ve.sigma(0.5) * math.sqrt(2 * math.log(5000.0)))


def test_priors():
    assert zoo.EDM().prior_std(80.0) == 80.0
    assert zoo.RectifiedFlow().prior_std(1.0) == 1.0
    assert zoo.VE().prior_std(1.0) == pytest.approx(50.0)
    assert zoo.SubVP().prior_std(1.0) == zoo.SubVP().sigma(1.0)


# -- ends of the interval -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sde", SDES, ids=IDS)
def test_points_are_finite(sde):
    for t in times_of(sde):
        point = sde.at(t)
        assert all(type(getattr(point, name)) is float for name in FIELDS)
        infinite = {"g2", "lam"} if point.alpha == 0 else set()
        assert {name for name in FIELDS if not math.isfinite(getattr(point, name))} == infinite


def test_which_processes_end_in_pure_noise():
    assert [sde.spec_name() for sde in ZERO] == ["cosine", "rectified-flow", "ddpm-betas", "ddpm-betas"]


@pytest.mark.parametrize("sde", ZERO, ids=str)
def test_pure_noise_is_a_point_like_others(sde):
    for point in (sde.at(sde.t_max), sde.at(torch.tensor([sde.t_max], dtype=torch.float64))):
        assert (float(point.alpha), float(point.sigma)) == (0.0, pytest.approx(1.0))
        assert (float(point.lam), float(point.rho), float(point.f)) == (-math.inf, math.inf, -math.inf)
        assert (float(point.g2), float(point.g)) == (math.inf, math.inf)
        before = sde.at(sde.t_max - 1e-4)
        assert float(point.dalpha) == pytest.approx(before.dalpha, rel=1e-3)
        assert float(point.dalpha) < 0 <= float(point.dsigma) < math.inf
    assert sde.t_of_lam(-math.inf) == sde.t_max
    assert sde.default_grid == "uniform"


def test_whole_number_times():
    table = zoo.DDPMBetas()
    indices = torch.tensor([0, 500, 999])
    assert table.alpha(indices).dtype is torch.float64
    assert table.alpha(indices).tolist() == [table.alpha(i) for i in (0.0, 500.0, 999.0)]
    assert table.alpha(500) == table.alpha(500.0)
    assert table.at(500).t == 500.0


def test_a_table_is_linear_between_its_indices_with_the_slope_below():
    table = zoo.DDPMBetas()
    logs = [math.log(table.alpha(t)) for t in (7.0, 7.25, 8.0)]
    assert logs[1] == pytest.approx(0.75 * logs[0] + 0.25 * logs[2], rel=1e-12)
    for time in (8.0, torch.tensor([8.0], dtype=torch.float64)):
        assert float(table.diffusion_squared(time)) == pytest.approx(2 * (logs[0] - logs[2]), rel=1e-9)
        assert float(table.at(time).g2) == table.diffusion_squared(7.5)


def test_zero_snr_keeps_the_first_level():
    plain, zero = zoo.DDPMBetas(), zoo.DDPMBetas(zero_snr=True)
    assert zero.sigma(0.0) == plain.sigma(0.0)
    assert zero.alpha(500.0) == pytest.approx(
        (plain.alpha(500.0) - plain.alpha(999.0)) * plain.alpha(0.0) / (plain.alpha(0.0) - plain.alpha(999.0))
    )


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: zoo.VP(t_min=2.0), "t_min"),
        (lambda: zoo.VP(beta_min=3.0, beta_max=2.0), "beta_max"),
        (lambda: zoo.VE(sigma_min=60.0), "sigma_min"),
        (lambda: zoo.Cosine(t_max=1.5), "t_max"),
        (lambda: zoo.DDPMBetas(beta_end=1.0), "beta_end"),
        (lambda: zoo.DDPMBetas(schedule="sigmoid"), "schedule"),
        (lambda: zoo.VEPower(base=1.0), "base"),
        (lambda: zoo.EDM(sigma_min=1.0, sigma_max=1.0), "t_min"),
    ],
)
def test_impossible_settings(make, what):
    with pytest.raises(zoo.ZooError, match=what):
        make()


# -- processes of a user ------------------------------------------------------------------------------------------------


class Ramp(zoo.GaussianSDE):
    """alpha = 1, sigma = t^2: only what must be given, one of them a plain number."""

    t_min: float = zoo.option(0.1, help="end", above=0.0)
    t_max: float = zoo.option(2.0, help="start")

    def alpha(self, t):
        return 1.0

    def sigma(self, t):
        return t**2


def test_alpha_and_sigma_are_enough():
    sde, times = Ramp(), torch.tensor([0.5, 1.5])
    assert sde.alpha(times).tolist() == [1.0, 1.0]
    for point, t in ((sde.at(1.5), 1.5), (sde.at(times[1:]), 1.5)):
        assert float(point.dsigma) == pytest.approx(2 * t)
        assert float(point.g2) == pytest.approx(4 * t**3)
        assert float(point.lam) == pytest.approx(-2 * math.log(t))
    assert sde.t_of_lam(-2 * math.log(1.5)) == pytest.approx(1.5, rel=1e-14)
    assert sde.at(times).t.dtype is torch.float64


class Displaced(zoo.SDE):
    """dX = (m - X) dt + sqrt(2) dW: its mean is not a multiple of X_0, so it is no GaussianSDE."""

    m: float = zoo.option(3.0, help="where it tends")
    t_min: float = zoo.option(0.0, help="end")
    t_max: float = zoo.option(2.0, help="start")

    def drift(self, x, t):
        return self.m - x

    def diffusion(self, t):
        return 2**0.5

    def mean(self, t, start=-1.0):
        return self.m + (start - self.m) * math.exp(-t)


class Midpoint(zoo.StepSolver):
    """The midpoint rule on the flow, in t."""

    card = zoo.SolverCard(
        name="flow-midpoint",
        title="midpoint",
        family="test",
        evaluations=2,
        needs=(),
        source=zoo.Source(authors="-", title="-", where="-"),
    )

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t.t, interval.s.t
        half = x + (s - t) / 2 * model(x, interval.t).flow
        return zoo.Step(x + (s - t) * model(half, model.sde.at((s + t) / 2)).flow)


def test_a_process_that_is_not_gaussian_is_sampled():
    sde = Displaced()
    # X_0 ~ N(-1, 1) keeps variance 1, so the score is known and the flow carries every x along with the mean
    model = zoo.FunctionModel(
        lambda x, t: torch.tensor([sde.mean(float(u)) for u in t]).unsqueeze(1) - x, sde, prediction="score"
    )
    x = torch.tensor([[0.5], [4.0]], dtype=torch.float64)
    result = zoo.sample(model, solver=Midpoint(), steps=64, x=x)
    assert result.grid[0] == 2.0
    assert result.grid[-1] == 0.0
    assert torch.allclose(result.x, x + sde.mean(0.0) - sde.mean(2.0), atol=1e-3)


def test_what_has_no_meaning_without_alpha_is_refused():
    sde, x = Displaced(), torch.ones(2, 1)
    prediction = sde.predict("score", x, sde.at(1.0), -x)
    assert torch.equal(prediction.score, -x)
    assert torch.allclose(prediction.flow, (3.0 - x) + x)
    assert torch.allclose(prediction.drift(1.0), (3.0 - x) + 2 * x)
    for ask in (lambda: prediction.x0, lambda: prediction.eps, lambda: prediction.v, lambda: prediction.mix(1.0, 0.0)):
        with pytest.raises(zoo.IncompatibleError, match="alpha X_0"):
            ask()
    with pytest.raises(zoo.IncompatibleError, match="score model"):
        sde.predict("eps", x, sde.at(1.0), x)
    with pytest.raises(zoo.IncompatibleError, match="x="):
        sde.prior_std(1.0)
    with pytest.raises(zoo.IncompatibleError, match="log-SNR"):
        zoo.grid("karras").make_grid(sde, 5)
    assert len(zoo.grid("uniform").make_grid(sde, 5)) == 6


def test_code_that_needs_alpha_and_sigma_refuses_another_process():
    sde = zoo.EDM()
    assert sde.as_gaussian() is sde
    model = zoo.FunctionModel(lambda x, t: -x, Displaced(), prediction="score")
    with pytest.raises(
        zoo.IncompatibleError, match=r"Displaced.* is not of the form .*: it has neither alpha nor sigma\."
    ):
        model.sde.as_gaussian()
    with pytest.raises(zoo.IncompatibleError, match=r"not of the form .*: data cannot be noised"):
        zoo.edit(model, torch.zeros(1, 2), strength=0.5)
