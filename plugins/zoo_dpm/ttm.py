"""The truncated Taylor method of order 2, whose slope of the data prediction is exact: a Jacobian-vector product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine
from solvers_zoo.numerics import phi

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Interval, ScoreModel


class TTM(StepSolver):
    r"""Carry the data prediction along its tangent in lam, and integrate the flow exactly.

        D'  = d x0(x(lam), lam) / dlam  at t, along the flow
        x_s = alpha_s x0 + sigma_s eps + alpha_s h^2 phi_2(-h) D',    h = lam_s - lam_t

    D' is one Jacobian-vector product of the model in the direction (dx/dt, 1), divided by dlam/dt. It needs the prediction
    first, so a step is two calls, the second of which carries tangents: about three passes of a network. The model must
    let torch differentiate it in forward mode, and answer at times that are tensors.
    """

    card = SolverCard(
        name="ttm",
        title="Truncated Taylor method",
        family="dpm",
        order=2,
        evaluations=2,
        variable="lam",
        needs=("gaussian", "finite-lam"),
        aliases=("ttm-jvp",),
        source=Source(
            authors="Crowson & Birch-San",
            title="the second-order truncated Taylor method in ComfyUI-Extra-Samplers",
            link="https://github.com/Clybius/ComfyUI-Extra-Samplers",
            where="extra_samplers.py, sample_ttm_jvp at eta = 0",
        ),
    )

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, two evaluations, one of them with tangents."""
        t, s = interval.t, interval.s
        now = model(x, t)
        h, rate = s.lam - t.lam, t.dalpha / t.alpha - t.dsigma / t.sigma
        w = s.alpha * h**2 * phi(2, -h) / rate
        return Step(combine(*now.terms(s.alpha, s.sigma), (w, _change(model, x, t, now.flow))))


def _change(model: ScoreModel, x: Tensor, point: GaussianPoint, flow: Tensor) -> Tensor:
    """d x0 / dt along the flow."""
    import torch

    when = x.new_zeros((len(x), *[1] * (x.dim() - 1))).double() + point.t

    def x0(x: Tensor, t: Tensor) -> Tensor:
        return model(x, model.sde.as_gaussian().at(t)).x0

    return torch.func.jvp(x0, (x, when), (flow, torch.ones_like(when)))[1]
