"""Problems shared by the tests of deterministic solvers: a Gaussian with its closed-form flow, and a 2-D mixture."""

from __future__ import annotations

import functools
import math

import torch

import solvers_zoo as zoo
from solvers_zoo.exact import reference_flow

MEAN, VAR = 0.7, 0.3


def gaussian(sde, kind="x0"):
    """N(MEAN, VAR I) in any parametrisation, of elementwise operations only, at any scalar or per-sample time."""

    def fn(x, t):
        t = t.double().reshape(-1, *[1] * (x.dim() - 1))
        p = sde.at(t)
        spread = p.alpha**2 * VAR + p.sigma**2
        x0 = MEAN + p.alpha * VAR / spread * (x - p.alpha * MEAN)
        eps = p.sigma / spread * (x - p.alpha * MEAN)
        out = {
            "x0": x0,
            "eps": eps,
            "score": -eps / p.sigma,
            "v": p.alpha * eps - p.sigma * x0,
            "flow": p.dalpha * x0 + p.dsigma * eps,
        }[kind]
        return out.to(x.dtype)

    return zoo.FunctionModel(fn, sde=sde, prediction=kind, shape=(2,))


def exact_end(x, t, s):
    """The flow carries (x - alpha MEAN) / sqrt(alpha^2 VAR + sigma^2) along unchanged."""
    spread_t, spread_s = (math.sqrt(p.alpha**2 * VAR + p.sigma**2) for p in (t, s))
    return s.alpha * MEAN + spread_s / spread_t * (x - t.alpha * MEAN)


def start(n=16, dim=2, seed=0):
    """Standard normal float64 states."""
    return torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@functools.cache
def mixture():
    """The 2-D mixture from sigma = 2 to 0.05: model, start, exact end."""
    model = zoo.model("mixture-2d", sde=zoo.EDM(sigma_min=0.05, sigma_max=2.0))
    x = 2 * start()
    return model, x, reference_flow(model, x, model.sde.at(2.0), model.sde.at(0.05))


def karras(sde, steps):
    """The Karras grid over a process."""
    return zoo.grid("karras").make_grid(sde, steps)


def slope(solver, steps):
    """Least-squares order on `mixture` over the three numbers of ``steps``; every error must be below 1e-2."""
    model, x, end = mixture()
    errors = []
    for n in steps:
        got = zoo.sample(model, solver=solver, grid=karras(model.sde, n), x=x).x
        errors.append((got - end).square().mean().sqrt().item())
    assert errors[0] < 1e-2, errors
    assert errors[-1] > 1e-12, errors
    logs = torch.tensor([[math.log(n), math.log(e)] for n, e in zip(steps, errors, strict=True)])
    n, e = (logs - logs.mean(0)).T
    return -float((n * e).sum() / (n * n).sum())
