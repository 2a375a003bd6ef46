"""Adaptive step size for any deterministic one-step solver, chosen for every sample by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo import (
    AdaptiveSteps,
    Configurable,
    Once,
    OptionError,
    SolverCard,
    Source,
    Step,
    StepSolver,
    combine,
    made_of_steps,
    option,
)
from solvers_zoo.solving import Attempt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, ScoreModel


class HoldsSolver(Configurable):
    """The option ``solver``; in a base of its own, so that it comes before those of `AdaptiveSteps`."""

    solver: Any = option("heun", kind="solver", help="the deterministic one-step solver whose steps are chosen")


class Adaptive(AdaptiveSteps, HoldsSolver):
    r"""Choose every sample's steps so that each one's local error stays at the tolerance, for any ``solver``.

        err = rms over coordinates of  error / (atol + rtol max(|x|, |x_s|));  accepted if err <= 1
        h <- h safety err^(-(P + I + D)/k) err_1^((P + 2 D)/k) err_2^(-D/k),  changed by min_factor to max_factor

    k is the power of h in the error. It comes from the solver's own estimate (``Step.error``, k = its order p), or
    else from doubling: one step x1 against two half steps x2, (x2 - x1) / (2^p - 1) with k = p + 1; ``extrapolate`` then adds
    that to x2, which raises the order by one. err_1 and err_2 are the errors of the last two accepted steps. After a
    rejected step the factor is safety err^(-1/k), below 1.

    Steps are measured on ``clock``: lam (half log-SNR, where a trained model's work is spread most evenly), sigma
    (sigma/alpha), or t, the one for a start where alpha = 0. The first is the grid's first interval; of the others
    only the grid's end matters, and it is hit exactly. A State is yielded after every attempt. Samples that are done
    are not changed any more; the model still sees them, at the first interval, so that its batch keeps its size.
    """

    card = SolverCard(
        name="adaptive",
        title="Adaptive step size",
        family="adaptive",
        evaluations=None,
        adaptive=True,
        affine=False,
        source=Source(
            authors="Hairer, Norsett & Wanner 1993",
            title="Solving Ordinary Differential Equations I",
            link="https://doi.org/10.1007/978-3-540-78862-1",
            where="eq. (II.4.7), (II.4.11) and (II.4.13); PI control: Hairer & Wanner 1996, eq. (IV.2.43)",
        ),
    )
    extrapolate: bool = option(False, help="after step doubling, go on with the extrapolated state")

    @property
    def stepper(self) -> StepSolver:
        """The option ``solver``, as one made of steps."""
        return made_of_steps(self.solver)

    def check(self) -> None:
        """The solver must give steps whose error means something."""
        super().check()
        facts = self.solver.facts()
        reasons = {
            "is not made of single steps": not isinstance(self.solver, StepSolver),
            "chooses its own steps already": facts.adaptive,
            "is stochastic, so the difference of two steps is not their error": facts.stochastic,
            "is a multistep method, whose history would not survive a rejected step": facts.memory > 0,
            "couples the samples of a batch": facts.batch_coupled,
            "has no order on the probability flow": facts.order is None,
            "solves equations in every step, so its evaluations are not known beforehand": facts.implicit,
        }
        for reason, holds in reasons.items():
            if holds:
                raise OptionError(f"adaptive cannot choose the steps of {self.solver}: it {reason}.")

    def attempt(self, model: ScoreModel, x: Tensor, grid: Grid, clocks: tuple[Any, Any], noise: Draws) -> Attempt:
        """One step with the solver's estimate of its error, or with that of doubling."""
        (u, target), inner = clocks, self.stepper
        t, s = self.point(grid, u), self.point(grid, target)
        once = Once(model, x, t)
        full, order, calls = self.over(once, x, t, s, noise)
        if full.error is not None:
            return Attempt(full, order, calls)
        m = self.point(grid, (u + target) / 2)
        middle = self.one_step(inner, once, x, t, m, noise)
        halves = self.one_step(inner, once, middle.x, m, s, noise)
        share = 1 / (2.0**order - 1)
        error = combine((share, halves.x), (-share, full.x))
        result = combine((1.0, halves.x), (1.0, error)) if self.extrapolate else halves.x
        return Attempt(Step(result, error=error), order + 1, 3 * calls - 1)
