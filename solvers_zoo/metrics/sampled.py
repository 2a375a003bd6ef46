"""Figures of merit that are estimated from samples.

An author writes what a figure is made of, sample by sample (`SampledMetric.rows`), and the figure of one set or many
(`SampledMetric.figure`). What exact samples would show in its place is worked out in `solvers_zoo.metrics.chance`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.metrics.base import Metric

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.base import Case, Measured
    from solvers_zoo.metrics.reference import Reference
    from solvers_zoo.score_models.analytic import AnalyticModel


class SampledMetric(Metric):
    """A figure of samples, or of samples beside as many exact ones."""

    paired: ClassVar[bool] = True
    """Whether it compares with exact samples even where the law is known."""
    rate: ClassVar[float | None] = 0.5
    """Its value for exact samples falls as n^-rate; None where it follows no power of n, and chance is told by permutations."""
    size: ClassVar[int] = 512
    """Most samples in a set of those that tell what chance shows; larger sets follow by ``rate``."""
    partners: ClassVar[int] = 1
    """Other sets that each such set is compared with, where ``paired``."""
    splits: ClassVar[int] = 0
    """Where many splits of one double set cost little more than one (`permuted`): how many are made of each; else 0."""
    fewest: ClassVar[int] = 1
    """Samples that it needs."""

    def rows(self, reference: Reference | None, x: Tensor) -> Tensor:
        """What the figure needs of every sample: (n, D) float64 to (n, F). Themselves, about the law's mean, by default.

        ``reference`` is the law at the results' point, or None where no closed form is known.
        """
        return x if reference is None else x - reference.mean

    def summary(self, rows: Tensor) -> Tensor:
        """What the figure needs of sets of rows (..., n, F), worked out once a set; the rows by default."""
        return rows

    @abstractmethod
    def figure(self, reference: Reference | None) -> Callable[[Tensor, Tensor], Tensor]:
        """The figure of summaries beside those of exact samples; leading dimensions are independent sets.

        Where it is not ``paired`` and the law is known, the second argument is the first and says nothing.
        """

    def scale(self, size: int, n: int) -> float:
        """By what the figure of n exact samples is smaller than that of ``size``."""
        return float((size / n) ** (self.rate or 0.0))

    def permuted(self, reference: Reference | None, rows: Tensor, n: int, times: int) -> Tensor:
        """The figure after ``times`` random splits of pooled rows (2n, F) in two halves, (times,)."""
        from solvers_zoo.metrics.chance import permuted

        return permuted(self, reference, rows.float(), n, times)  # single precision sorts several times faster

    def refuses(self, law: AnalyticModel | None) -> str:
        """Why it has no meaning for results that should have this law (None if no closed form is known), or ``""``."""
        return ""

    def supports(self, case: Case) -> str:
        """What the law does not allow."""
        return self.refuses(case.law)

    def against(
        self, reference: Reference | None, x: Tensor, exact: Callable[[int], Tensor], figures: int | None = None
    ) -> Measured:
        """The figure of samples (n, D) beside what exact samples show in its place.

        Args:
            reference: the law, or None where it has no closed form.
            x: float64.
            exact: ``exact(n)``, exact samples (n, D), float64.
            figures: of exact samples that make the floor, where these do; `solvers_zoo.metrics.reference.FIGURES` if None.

        Raises:
            IncompatibleError: too few samples.

        """
        from solvers_zoo.metrics.chance import measured

        return measured(self, reference, x, exact, figures)

    def measure(self, case: Case) -> Measured:
        """The figure of the results, beside what exact samples show in its place.

        Raises:
            IncompatibleError: too few samples.
            NotFiniteError: samples that are not finite.

        """
        from solvers_zoo.metrics.reference import flat, reference

        law = None if case.law is None else reference(case.law, case.point)
        return self.against(law, flat(case.x), lambda n: flat(case.exact(n)))
