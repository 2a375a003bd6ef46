"""Each kind of defect is caught, and by the check that is there for it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from solvers_zoo import SolverCard, Source, State, Step, StepSolver, combine, option, remember
from solvers_zoo.numerics import expm1, sqrt
from solvers_zoo.solving.stepping import Past
from solvers_zoo.testing import CHECKS, conform

SOURCE = Source(authors="Nobody 2026", title="Defects", where="eq. (1)", link="https://example.org")


def card(**facts):
    return SolverCard(
        **{"name": "broken", "title": "Broken", "family": "defects", "order": 1, "source": SOURCE, **facts}
    )


class Euler(StepSolver):
    """Right: x_s = alpha_s x0 + sigma_s eps, the DDIM step."""

    card = card()

    def step(self, model, x, interval, memory, noise):
        return Step(model(x, interval.t).mix(interval.s.alpha, interval.s.sigma))


class Ancestral(StepSolver):
    """Right: x_s = alpha_s x0 + sqrt(sigma_s^2 - c^2) eps + c z, the DDPM step."""

    card = card(
        order=None, weak_order=1, strong_order=1, stochastic=True, noise_level=1, needs=("gaussian", "decreasing")
    )

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        c = self.size(t, s)
        kept = sqrt(s.sigma**2 - c**2)
        return Step(combine((1.0, model(x, t).mix(s.alpha, kept)), (c, noise.between(t, s))))

    def size(self, t, s):
        return s.sigma * sqrt(-expm1(-2 * (s.lam - t.lam)))


class TwoStep(StepSolver):
    """Right: D = (1 + r/2) x0 - r/2 x0_prev with r = h/h_prev, DPM-Solver++(2M)."""

    card = card(order=2, memory=1, needs=("gaussian", "finite-lam"))

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        now = Past(t.t, t.lam, model(x, t).x0)
        return Step(self.move(x, t, s, now, memory), (now,))

    def move(self, x, t, s, now, memory):
        h = s.lam - t.lam
        first = (s.sigma / t.sigma, x)
        if memory is None:
            return combine(first, (-s.alpha * expm1(-h), now.D))
        c = self.weight(h, t, memory[0])
        return combine(first, (-s.alpha * expm1(-h) * (1 + c), now.D), (s.alpha * expm1(-h) * c, memory[0].D))

    def weight(self, h, t, past):
        return h / (2 * (t.lam - past.lam))


class WrongOrder(Euler):
    card = card(order=2)


class OrderTooLow(TwoStep):
    card = card(order=1, memory=1, needs=("gaussian", "finite-lam"))


class HiddenGenerator(Euler):
    def step(self, model, x, interval, memory, noise):
        torch.rand(1)
        return super().step(model, x, interval, memory, noise)


class HiddenNumpy(Euler):
    def step(self, model, x, interval, memory, noise):
        np.random.rand()
        return super().step(model, x, interval, memory, noise)


class HiddenRandom(Euler):
    def step(self, model, x, interval, memory, noise):
        random.random()
        return super().step(model, x, interval, memory, noise)


class ChangesInput(Euler):
    def step(self, model, x, interval, memory, noise):
        now = model(x, interval.t)
        end = now.mix(interval.s.alpha, interval.s.sigma)
        x.mul_(0.5)
        return Step(end)


class CouplesBatch(Euler):
    def step(self, model, x, interval, memory, noise):
        end = super().step(model, x, interval, memory, noise).x
        return Step(end + 1e-9 * (end.mean(0, keepdim=True) - end))


class NotCoupled(Euler):
    card = card(batch_coupled=True)


class WrongCost(Euler):
    card = card(evaluations=2)


class CallsTooMuch(Euler):
    def step(self, model, x, interval, memory, noise):
        if interval.number == 2:
            model(x, interval.t)
        return super().step(model, x, interval, memory, noise)


class OutsideDomain(Euler):
    card = card(evaluations=2)

    def step(self, model, x, interval, memory, noise):
        model(x, model.sde.at(interval.s.t * 0.5))
        return super().step(model, x, interval, memory, noise)


class WrongPoint(Euler):
    card = card(evaluations=2)

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        model(x, replace(s, sigma=0.5 * (t.sigma + s.sigma)))
        return super().step(model, x, interval, memory, noise)


class StateOnSelf(TwoStep):
    kept = {}

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        now = Past(t.t, t.lam, model(x, t).x0)
        last = (self.kept["past"],) if interval.number else None
        self.kept["past"] = now
        return Step(self.move(x, t, s, now, last), (now,))


class GrowingMemory(TwoStep):
    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        now = Past(t.t, t.lam, model(x, t).x0)
        return Step(self.move(x, t, s, now, memory), remember(now, memory, 99))


class StrangeMemory(Euler):
    def step(self, model, x, interval, memory, noise):
        return super().step(model, x, interval, memory, noise)._replace(memory=(model,))


class UselessMemory(Euler):
    card = card(memory=1)

    def step(self, model, x, interval, memory, noise):
        return super().step(model, x, interval, memory, noise)._replace(memory=(x,))


class WrongRatio(TwoStep):
    def weight(self, h, t, past):
        return 0.5


class NoBootstrap(TwoStep):
    card = card(order=2, memory=1, needs=("gaussian", "finite-lam"))

    def move(self, x, t, s, now, memory):
        return super().move(x, t, s, now, memory or (now._replace(lam=2 * t.lam - s.lam, D=0 * now.D),))


class SignOfHistory(TwoStep):
    def weight(self, h, t, past):
        return -super().weight(h, t, past)


class SigmaForSigma2(Ancestral):
    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        c = self.size(t, s)
        kept = sqrt(s.sigma**2 - c**2)
        return Step(combine((1.0, model(x, t).mix(s.alpha, kept)), (sqrt(c), noise.between(t, s))))


class TooMuchNoise(Ancestral):
    def size(self, t, s):
        return s.sigma * sqrt(-expm1(-1.5 * (s.lam - t.lam)))  # consistent, but of another SDE than the card names


class OtherPath(Ancestral):
    def size(self, t, s):
        return -super().size(t, s)  # the right law, along the mirrored path


class Inflated(Ancestral):
    def size(self, t, s):
        return super().size(t, s)

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        c = self.size(t, s)
        kept = sqrt(s.sigma**2 - c**2)
        return Step(
            combine((1.0, model(x, t).mix(s.alpha, kept)), (1.01 * c, noise.between(t, s)))
        )  # S_noise other than 1


class SecretlyRandom(Euler):
    def step(self, model, x, interval, memory, noise):
        end = super().step(model, x, interval, memory, noise).x
        return Step(end + 1e-12 * noise.fresh())


class FalselyStochastic(Ancestral):
    def step(self, model, x, interval, memory, noise):
        return Step(model(x, interval.t).mix(interval.s.alpha, interval.s.sigma))


class DoublePrecision(Euler):
    def step(self, model, x, interval, memory, noise):
        return Step(super().step(model, x, interval, memory, noise).x.double())


class ReadsOutput(Euler):
    def step(self, model, x, interval, memory, noise):
        now, s = model(x, interval.t), interval.s
        return Step(s.alpha * now.out + s.sigma * (x - interval.t.alpha * now.out) / interval.t.sigma)  # x0 or not


class Clips(Euler):
    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        x0 = model(x, t).x0.clamp(-1, 1)  # left on
        return Step(combine((s.alpha, x0), (s.sigma / t.sigma, x - t.alpha * x0)))


class BranchesOnPoint(Euler):
    def step(self, model, x, interval, memory, noise):
        return super().step(model, x, interval, memory, noise) if interval.s.t < interval.t.t else Step(x)


class NotAffine(Euler):
    def step(self, model, x, interval, memory, noise):
        end = super().step(model, x, interval, memory, noise).x
        return Step(end + 1e-6 * (interval.t.t - interval.s.t) ** 2 * end.sin())


class ForgetsIndex(Euler):
    def solve(self, model, x, grid, noise, state=None):
        for index in range(grid.steps):
            step = self.step(model, x if state is None else state.x, _interval(grid, index), None, noise.at(index))
            state = State(index + 1, grid[index + 1], step.x)
            yield state


def _interval(grid, index):
    from solvers_zoo import Interval

    return Interval(grid[index], grid[index + 1], None, index)


class SilentRefusal(Euler):
    def supports(self, sde, grid=None):
        return "no" if grid is not None and grid[0].t < grid[-1].t else None


class NoPlace(Euler):
    card = card(source=Source(authors="Nobody 2026", title="Defects", where="somewhere", link="https://example.org"))


class Unbounded(Euler):
    """x_s = alpha_s x0 + sigma_s eps."""

    strength: float = option(1.0, help=" ")


class FalseTwin(Ancestral):
    card = replace(Ancestral.card, equivalents=("euler",))


class IgnoresModel(Euler):
    card = card(order=1)

    def step(self, model, x, interval, memory, noise):
        model(x, interval.t)
        return Step(x * (interval.s.sigma / interval.t.sigma))


DEFECTS = [
    (WrongOrder, "order-mixture"),
    (OrderTooLow, "order-mixture"),
    (HiddenGenerator, "global-state"),
    (HiddenNumpy, "global-state"),
    (HiddenRandom, "global-state"),
    (ChangesInput, "purity"),
    (CouplesBatch, "batch"),
    (NotCoupled, "batch"),
    (WrongCost, "evaluations"),
    (CallsTooMuch, "evaluations"),
    (OutsideDomain, "domain"),
    (WrongPoint, "domain"),
    (StateOnSelf, "reuse"),
    (GrowingMemory, "memory"),
    (StrangeMemory, "memory"),
    (UselessMemory, "memory"),
    (WrongRatio, "order-uneven"),
    (NoBootstrap, "order-mixture"),
    (SignOfHistory, "order-mixture"),
    (SigmaForSigma2, "weak-order"),
    (TooMuchNoise, "noise-level"),
    (OtherPath, "strong-order"),
    (Inflated, "weak-order"),
    (SecretlyRandom, "seed"),
    (FalselyStochastic, "seed"),
    (DoublePrecision, "precision"),
    (ReadsOutput, "parametrisations"),
    (Clips, "order-mixture"),
    (BranchesOnPoint, "per-sample-points"),
    (NotAffine, "affine"),
    (ForgetsIndex, "resume"),
    (SilentRefusal, "refusals"),
    (NoPlace, "card"),
    (Unbounded, "options"),
    (FalseTwin, "equivalents"),
    (IgnoresModel, "nan"),
]


@pytest.mark.parametrize("solver", [Euler, Ancestral, TwoStep])
def test_the_right_ones_pass(solver):
    report = conform(solver)
    assert report.ok, str(report)


@pytest.mark.parametrize(("solver", "check"), DEFECTS, ids=[solver.__name__ for solver, _ in DEFECTS])
def test_a_defect_is_caught_by_its_check(solver, check):
    report = conform(solver, checks=[check])
    assert report.failures, f"{check} lets {solver.__name__} pass: {report}"
    message = report.failures[0].message
    assert message.endswith(".") or message.startswith("it raised")


def test_every_check_has_a_defect_or_is_exercised_elsewhere():
    """A new check comes with a solver that fails it."""
    exercised = {check for _, check in DEFECTS}
    elsewhere = {
        "claims",
        "shapes",
        "drift-only",
        "processes",
        "encoding",
        "order-transport",
        "order-gaussian",
        "order-exact-history",
        "error-estimate",
        "tolerance",
        "bias",
        "marginal",
        "settings",
    }  # those of test_more_defects.py
    assert {check.name for check in CHECKS} == exercised | elsewhere
