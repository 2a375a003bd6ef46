"""Multistep consistency sampling: Algorithm 1 of Song et al. 2023, and what it does to models that are no endpoint maps."""

from __future__ import annotations

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.exact.affine import affine_map

VAR, EPSILON = 0.25, 0.002


def endpoint(sde, epsilon):
    """The exact consistency function of N(0, VAR): trajectories keep x over their standard deviation."""

    def fn(x, t):
        point = sde.at(float(t[0]))
        return x * ((VAR + epsilon**2) / (point.alpha**2 * VAR + point.sigma**2)) ** 0.5

    return zoo.FunctionModel(fn, sde, "x0", (1,))


@pytest.mark.parametrize("times", [[80.0, EPSILON], [80.0, 1.0, EPSILON], [80.0, 10.0, 2.0, 0.5, 0.1, EPSILON]])
def test_exact_law_of_an_endpoint_map(times):
    """The variance of the data with noise epsilon, in any number of calls; by exact probing of start and draws."""
    sde = zoo.EDM()
    grid, model = zoo.Grid(sde, times), endpoint(sde, EPSILON)
    solver = zoo.solver(f"consistency(floor={EPSILON})")

    def run(x, noise):
        *_, last = solver.solve(model, x, grid, noise)
        return last.x

    law = affine_map(run, (1,))
    begun = VAR + times[0] ** 2
    variance = float(law.A) ** 2 * begun + float(law.C.square().sum())
    assert variance == pytest.approx(VAR + EPSILON**2, rel=1e-12)
    assert zoo.sample(model, solver, grid=times, n=2).nfe == len(times) - 1


def test_algorithm_1():
    """The published loop, written out."""
    sde, times = zoo.EDM(), [80.0, 12.0, 1.5, 0.2]
    z = torch.randn(len(times), 5, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model = endpoint(sde, EPSILON)

    class Given(zoo.Noise, zoo.Draws):
        step = 0

        def at(self, index):
            self.step = index
            return self

        def between(self, t, s, area=False):
            return z[self.step + 1]

        fresh = uniform = None

    def f(x, tau):
        return model.predict(x, sde.at(tau))

    x = f(80 * z[0], 80.0)
    for n, tau in enumerate(times[1:], 1):
        x = f(x + (tau**2 - EPSILON**2) ** 0.5 * z[n], tau)
    ours = zoo.sample(model, f"consistency(floor={EPSILON})", grid=times, x=80 * z[0], noise=Given(), denoise=True)
    assert torch.allclose(ours.x, x, rtol=1e-12)


def test_latent_form_on_any_process():
    """With clean answers the law is exact on a process with a shrinking signal, too, at every level."""
    sde = zoo.VP()
    model = endpoint(sde, 0.0)
    run = zoo.sample(model, "consistency", steps=4, n=20000, start="prior", dtype=torch.float64, grid="uniform")
    end = sde.at(sde.t_min)
    assert run.x.var().item() == pytest.approx(end.alpha**2 * VAR + end.sigma**2, rel=0.05)


def test_a_posterior_mean_is_no_endpoint():
    """Its samples are too narrow, and more steps make them narrower: what the card declares."""
    model = zoo.Gaussian([0.0], [VAR], sde=zoo.EDM())
    variances = [zoo.sample(model, "consistency", steps=n, n=4000, denoise=True).x.var().item() for n in (2, 40)]
    assert variances[1] < 0.75 * VAR
    assert "too narrow" in zoo.solver("consistency").facts().bias
