"""The studies without particles: exact transport, the lemma, early stopping, the Fokker-Planck equation. And what they notice."""

from __future__ import annotations

import math

import pytest
import torch
from zoo_lectures.theory import tv_lemma
from zoo_lectures.theory.early_stopping import POWERS, EarlyStopping, square
from zoo_lectures.theory.fokker_planck import FokkerPlanck, residual, variances
from zoo_lectures.theory.transport_tv import TransportTV, transport_run
from zoo_lectures.theory.tv_lemma import TVLemma

import solvers_zoo as zoo

F64 = torch.float64
#: Study -> how it is made: half of the cells keep every digit of the independent program.
STUDIES = {TransportTV: lambda: TransportTV(cells=5_000), TVLemma: TVLemma, EarlyStopping: EarlyStopping}


def failing(findings):
    return [check.name for check in findings.checks if not check.holds]


@pytest.fixture(scope="module")
def found():
    return {study: make().run(quick=True) for study, make in STUDIES.items()}


@pytest.mark.parametrize("study", STUDIES)
def test_the_quick_form_holds(found, study):
    assert failing(found[study]) == []


@pytest.mark.parametrize("study", STUDIES)
def test_its_figure_is_drawn(found, study, tmp_path):
    from solvers_zoo.charts import save

    for name, make in found[study].charts.items():
        assert save(make(), tmp_path / f"{name}.svg").stat().st_size > 10_000


# -- exact transport ---------------------------------------------------------------------------------------------------


def test_heun_under_the_name_of_rk4_is_noticed(found):
    rows = found[TransportTV].rows
    heun = {(r["T"], r["start"], r["steps"]): r["tv"] for r in rows if r["solver"] == "heun" and r["form"] == "exact"}
    wrong = [r | ({"tv": heun[r["T"], r["start"], r["steps"]]} if r["solver"] == "rk4" else {}) for r in rows]
    assert {"digits", "order of rk4", "prior"} <= set(failing(TransportTV().judge(wrong)))


def test_a_map_that_folds_is_left_out():
    assert not transport_run("heun", 16).monotone
    assert math.isnan(transport_run("heun", 16).tv)
    assert transport_run("heun", 32).monotone


# -- the lemma ---------------------------------------------------------------------------------------------------------


def test_half_the_bound_is_too_little_and_twice_is_not_sharp(found):
    def scaled(factor):
        return TVLemma().judge([row | {"bound": factor * row["bound"]} for row in found[TVLemma].rows])

    assert failing(scaled(0.5)) == ["bound", "sharp"]
    assert failing(scaled(2.0)) == ["sharp"]


def test_the_bound_in_closed_form():
    """A constant error's bound is delta int sum of the peaks less the valleys of q_t; one far mode has one peak."""
    model = zoo.model("gaussian", dim=1, sde="ou")
    sums = tv_lemma.bounds(model, (0.5, 1.0, 2.0))["constant"]
    peak = 1 / math.sqrt(2 * math.pi)  # N(0, 1) stays N(0, 1), and half its variation is its peak
    assert sums == pytest.approx({0.5: 0.0, 1.0: 0.5 * peak, 2.0: 1.5 * peak}, rel=1e-6)


# -- early stopping ----------------------------------------------------------------------------------------------------


def test_the_distance_of_two_points_by_quantiles():
    """Against a sum over quantiles of a million draws."""
    tau, n = 0.1, 1_000_000
    draws = zoo.SeededNoise(0, range(n), (1,), F64).data()
    sign = torch.where(draws.uniform() < 0.5, -1.0, 1.0)
    x = math.exp(-tau) * sign + math.sqrt(-math.expm1(-2 * tau)) * draws.fresh()[:, 0]
    exact = torch.where(torch.arange(n) < n // 2, -1.0, 1.0)
    assert square("two points", tau) == pytest.approx(float((x.sort().values - exact).square().mean()), rel=5e-3)


def test_a_normal_has_its_distance_in_closed_form(monkeypatch):
    """W2(N(0, s^2), N(0, s_tau^2)) = |s_tau - s|."""
    s, tau = 0.5, 1e-3
    monkeypatch.setattr(zoo, "model", lambda name: zoo.Mixture([1.0], [[0.0]], s**2, zoo.sde("ou")))
    spread = math.sqrt(math.exp(-2 * tau) * s**2 - math.expm1(-2 * tau))
    assert square("three modes", tau) == pytest.approx((spread - s) ** 2, rel=1e-8)


@pytest.mark.parametrize("law", POWERS)
def test_a_wrong_power_is_noticed(found, law):
    rows = [
        row | ({"w2": row["w2"] * row["tau"] ** 0.02} if row["law"] == law else {}) for row in found[EarlyStopping].rows
    ]
    assert law in failing(EarlyStopping().judge(rows))


def test_without_its_noise_the_corrected_bound_is_not_sharp(found):
    rows = [row | {"w2": row["w2"] / math.sqrt(2)} for row in found[EarlyStopping].rows]
    assert "sharp" in failing(EarlyStopping().judge(rows))


# -- Fokker and Planck -------------------------------------------------------------------------------------------------


def test_fokker_planck_holds():
    findings = FokkerPlanck().run(quick=True)
    assert failing(findings) == []
    assert len({row["process"] for row in findings.rows}) == 10
    assert all(chart().to_dict() for chart in findings.charts.values())


def test_g_for_its_square_breaks_the_equation():
    class Misprinted(zoo.VP):
        card = zoo.VP.card

        def at(self, t):
            import dataclasses

            point = super().at(t)
            return dataclasses.replace(point, g2=point.g2**0.5)

    model = zoo.model("mixture-2d", sde=Misprinted())
    t = 0.4
    x = model.draw(model.sde.at(t), zoo.SeededNoise(0, range(16), (2,), F64).data())
    assert float(residual(model.on(zoo.sde("vp")), x, t).max()) < 1e-14
    assert float(residual(model, x, t).max()) > 1e-2


def test_a_flow_without_its_half_has_other_marginals():
    """The misprint of a lecture: drift f - g^2 score without the 1/2, which is the reverse SDE's and needs its noise."""
    sde, times = zoo.sde("vp"), [0.9, 0.5, 0.1]
    exact = [sde.alpha(t) ** 2 / 4 + sde.sigma(t) ** 2 for t in times]
    assert variances(sde, 0.25, times, noise=False) == pytest.approx(exact, rel=1e-9)
    assert variances(sde, 0.25, times, noise=True) == pytest.approx(exact, rel=1e-9)
    printed = variances(sde, 0.25, times, noise=False, share=1.0)
    assert max(abs(a / b - 1) for a, b in zip(printed, exact, strict=True)) > 0.5


def test_particles_of_another_law_are_noticed():
    rows = [{"part": part, "process": "ou", "what": "flow", "error": 0.0} for part in ("residual", "variance")]
    rows += [{"part": "particles", "what": what, "error": 0.05, "n": 20_000} for what in ("reverse SDE", "flow")]
    assert failing(FokkerPlanck().judge(rows)) == ["particles of the reverse SDE", "particles of the flow"]
