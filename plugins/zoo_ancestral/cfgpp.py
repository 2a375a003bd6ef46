"""CFG++: guidance that moves the data predicted, and leaves the noise to the unconditional prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo import Around, ModelWrapper, Solver, SolverCard, Source, Step, combine, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, Interval, Prediction, ScoreModel


class CFGPlusPlus(Around):
    r"""A step of ``solver`` on the unconditional prediction u, and the data moved by the guidance; s is the end of the step.

        x_s = [step of the solver with u] + alpha_s (x0_guided - x0_u)

    With DDIM that is the paper's x_s = alpha_s x0_guided + sigma_s eps_u. Both predictions come from a guided model (`Guided`), whose
    scale, in [0, 1] here, is the paper's lambda; they are those of the last evaluation of the step. Every step moves the data
    anew, so the strength grows with their number, and there is no limit of small steps. Written for ddim, euler, dpmpp-2m,
    euler-ancestral and dpmpp-2s-ancestral, it serves any solver made of steps. The authors' dpmpp-2m has the guided prediction
    less the last unguided one for its slope; here the slope is that of u. Where the model does not guide it is ``solver`` itself.
    """

    card = SolverCard(
        name="cfgpp",
        title="CFG++",
        family="wrapper",
        source=Source(
            authors="Chung et al. 2024",
            title="CFG++: Manifold-constrained Classifier Free Guidance for Diffusion Models",
            arxiv="2406.08070",
            where="Algorithm 2; the appendix for other solvers",
        ),
    )
    solver: Solver = option("ddim", kind="solver", help="the solver that steps: ddim, euler-ancestral, dpmpp-2m, ...")

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """A step of the solver on u, and then the data moved."""
        without = _Unguided(model)
        step = self.stepper.step(without, x, interval, memory, noise)
        guided, plain = without.last
        if guided is plain:
            return step
        alpha = interval.s.alpha
        return step._replace(x=combine((1.0, step.x), *guided.terms(alpha, 0.0), *plain.terms(-alpha, 0.0)))


class _Unguided(ModelWrapper):
    """Answers without guidance, and keeps both predictions of the last call."""

    last: tuple[Prediction, Prediction]

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: Any) -> Prediction:
        """The prediction without guidance."""
        guided = self.model(x, point, **condition)
        plain = guided if guided.unguided is None else guided.unguided
        self.last = guided, plain
        return plain
