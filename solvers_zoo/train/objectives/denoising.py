"""Denoising score matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.card import ObjectiveCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.objectives.base import TIMES, Objective, flat_weight, squared_error
from solvers_zoo.train.objectives.weightings import WEIGHTINGS, weight_of

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


class DenoisingScoreMatching(Objective):
    r"""The network learns what noise was added.

        L = 1/2 E w(t) |model's form - (r x0 + s eps)|^2,    x = alpha x0 + sigma eps

    where (r, s) are those of the form: eps (0, 1), x0 (1, 0), v (-sigma, alpha), score (0, -1/sigma), flow (alpha', sigma').
    A ``weighting`` other than constant means the same loss in every form; constant weights the squared error of the form by 1, so
    that ``form=eps`` is the simple loss of DDPM and equals ``weighting=sigma2``. At the exact score of N(0, v I) and one noise
    level, with the weight 1 on the score, L = d/2 (1/sigma^2 - 1/(v + sigma^2)).
    """

    card = ObjectiveCard(
        name="dsm",
        title="Denoising score matching",
        aliases=("denoising",),
        formula="1/2 E w(t) |s(x_t, t) - grad log p(x_t | x_0)|^2",
        source=Source(
            authors="Vincent 2011",
            title="A Connection Between Score Matching and Denoising Autoencoders",
            link="https://doi.org/10.1162/NECO_a_00142",
            where="denoising score matching",
        ),
    )
    weighting: str = option("edm", help="weight over time", choices=WEIGHTINGS)
    form: str = option(
        "native", help="in which the error is taken", choices=("native", "eps", "x0", "v", "score", "flow")
    )
    times: str = option("log-normal", help="how times are drawn", choices=TIMES)
    gamma: float = option(5.0, help="largest signal-to-noise ratio that min-snr counts", above=0.0)
    sigma_data: float | None = option(
        None, kind="float", help="of the weighting edm; the network's own by default, 0.5 if it has none", above=0.0
    )

    def loss_at(self, model: ScoreModel, x0: Tensor, point: GaussianPoint, draws: Draws, **condition: object) -> Tensor:
        """The loss of every sample, from one draw of noise each."""
        form = model.kind if self.form == "native" else self.form
        error = squared_error(form, model, x0, point, draws, condition)
        d = self.sigma_data or getattr(model, "sigma_data", None) or 0.5
        weight = weight_of(self.weighting, form, point, x0[0].numel(), d, self.gamma)
        return 0.5 * flat_weight(weight, error) * error
