"""How often a classifier sees another class than the one that was asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from solvers_zoo.metrics.base import Metric
from solvers_zoo.registry.card import MetricCard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.base import Case, Measured


class WrongClass(Metric):
    """Share of samples that a classifier takes for another class than the run's, of a model that knows classes.

    The floor is the share among as many samples of the exact flow, each with a class of its own: what classifier and network get
    wrong without a solver. Chance is Fisher's exact test of the two shares, one-sided.
    """

    card = MetricCard(
        name="wrong-class",
        title="Samples of another class than was asked for",
        formula="P(class(x) != c)",
        source=Source(
            authors="Ravuri & Vinyals 2019",
            title="Classification Accuracy Score for Conditional Generative Models",
            arxiv="1905.10887",
            where="the classifier is of real data here, as in Salimans et al. 2016 (1606.03498), section 4",
        ),
    )
    classifier: str = option(
        "digits",
        help="network from images to classes (b,) or their logits: digits, file.py:name or package.module:name",
    )

    def supports(self, case: Case) -> str:
        """Only models whose classes a run draws."""
        known = "label" in case.model.default_condition(case.seed, range(1))
        return "" if known else "its runs are not asked for classes"

    def measure(self, case: Case) -> Measured:
        """The share, and that of the exact flow.

        Raises:
            ModelError: the classifier cannot be loaded, or does not give a class, or one number a class, for every sample.
            NotFiniteError: samples that are not finite.

        """
        from scipy.stats import fisher_exact

        from solvers_zoo.metrics.base import Measured

        n = len(case.x)
        wrong = self._wrong(case, case.x, case.seed)
        usual = self._wrong(case, case.exact(n), ~case.seed)  # the exact flow's own stream, and so its classes
        p = float(fisher_exact([[wrong, n - wrong], [usual, n - usual]], "greater").pvalue)
        floor = usual / n
        spread = (floor + 1 / n) * (1 - floor)  # not 0 where none is wrong
        return Measured(wrong / n, n, floor, math.sqrt(max(spread, 0.0) / n), p)

    def _wrong(self, case: Case, x: Tensor, seed: int) -> int:
        """How many of the samples are not of the classes that a run of the seed asks for."""
        from solvers_zoo.errors import ModelError
        from solvers_zoo.metrics.features import features

        given = features(self.classifier, x, kind="classifier")
        classes = given.argmax(1) if given.shape[1] > 1 else given[:, 0].long()
        asked = case.model.default_condition(seed, range(len(x)))["label"]
        if given.shape[1] > 1 and int(asked.max()) >= given.shape[1]:
            raise ModelError(f"The classifier {self.classifier} knows {given.shape[1]} classes, and the model more.")
        return int((classes != asked.to(classes)).sum())
