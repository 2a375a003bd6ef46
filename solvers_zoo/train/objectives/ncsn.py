"""The objective of noise conditional score networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.registry.card import ObjectiveCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.objectives.base import Objective, flat_weight, squared_error

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import GaussianPoint, GaussianSDE
    from solvers_zoo.score_models.base import ScoreModel


class NCSN(Objective):
    r"""Denoising score matching at ``levels`` noise levels in geometric progression, all of them counting alike.

        l(sigma) = 1/2 E |s(x, sigma) + (x - x_0) / sigma^2|^2,    x = x_0 + sigma eps
        L = 1/L sum_i sigma_i^2 l(sigma_i),    sigma_1 > ... > sigma_L,  sigma_(i+1) / sigma_i the same for all i

    The first and the last level are those at the ends of the process, so give it both: ``--sde "ve(sigma_min=0.05, sigma_max=10)"``.
    They are the times of the grid ``log-snr`` with ``levels`` - 1 steps, on which ``annealed-langevin`` runs its chain at just
    these levels. Where the process also shrinks the data, sigma/alpha is what is in geometric progression.

    As sigma |s| does not depend on sigma by its order of magnitude, neither does a term of L. Hence any network that is told the
    noise level serves, with ``--prediction eps``: s(x, sigma) = -net(x, sigma) / sigma, the form of NCSNv2 (2006.09011, section
    3.3), conditioned as in the first version by a scale and a shift after every normalisation, as `mlp` and `unet` are.

    At the exact score of N(0, v I) the loss is L = d/2 mean_i v / (v + sigma_i^2). At each level it is dsm with the weighting sigma2.
    """

    card = ObjectiveCard(
        name="ncsn",
        title="Score matching at geometric noise levels",
        formula="1/L sum_i sigma_i^2 1/2 E |s(x_i, sigma_i) + (x_i - x_0) / sigma_i^2|^2",
        source=Source(
            authors="Song & Ermon 2019",
            title="Generative Modeling by Estimating Gradients of the Data Distribution",
            arxiv="1907.05600",
            where="eqs. (5) and (6)",
        ),
    )
    levels: int = option(10, help="number of noise levels, both ends of the process included", low=2)

    def draw_times(self, sde: GaussianSDE, u: Tensor) -> tuple[Tensor, Tensor]:
        """The times of levels, all alike.

        Raises:
            IncompatibleError: a process without a largest or smallest level, or another law of times.

        """
        first, last = float(sde.lam(sde.t_max)), float(sde.lam(sde.t_min))
        if self.times != "uniform":
            raise IncompatibleError(f"{self} draws all levels alike: leave times = {self.times} out, or take dsm.")
        if not math.isfinite(first) or not math.isfinite(last):
            raise IncompatibleError(
                f"{self} needs a largest and a smallest noise level, and {sde} has none at an end; take ve."
            )
        index = (u * self.levels).floor().clamp(max=self.levels - 1)
        t = sde.t_of_lam(first + index / (self.levels - 1) * (last - first))
        return self._inside(sde, t), u * 0 + 1

    def loss_at(self, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, **condition: object) -> Tensor:
        """sigma^2 l(sigma) with one draw of noise a sample; the target -(x - x_0)/sigma^2 is -eps/sigma."""
        error = squared_error("score", model, x0, point, draws, condition)
        return 0.5 * flat_weight(point.sigma**2, error) * error
