"""How far samples are from the law they should have, each figure beside what exact samples would show.

Public names: the distances and features that figures are made of, the base of a metric of samples, and the labelled digits that images are compared with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.public import lazily

if TYPE_CHECKING:
    from solvers_zoo.metrics.base import Case as Case
    from solvers_zoo.metrics.base import Clean as Clean
    from solvers_zoo.metrics.base import Measured as Measured
    from solvers_zoo.metrics.digits_features import digit_classes as digit_classes
    from solvers_zoo.metrics.digits_features import digit_features as digit_features
    from solvers_zoo.metrics.digits_features import load_digits as load_digits
    from solvers_zoo.metrics.distances import frechet as frechet
    from solvers_zoo.metrics.distances import marginal_tv as marginal_tv
    from solvers_zoo.metrics.distances import relative_covariance_error as relative_covariance_error
    from solvers_zoo.metrics.distances import relative_mean_error as relative_mean_error
    from solvers_zoo.metrics.distances import sliced_w1 as sliced_w1
    from solvers_zoo.metrics.pairs import cubic as cubic
    from solvers_zoo.metrics.pairs import discrepancy as discrepancy
    from solvers_zoo.metrics.report import error_report as error_report
    from solvers_zoo.metrics.sampled import SampledMetric as SampledMetric

_HOMES = {
    "base": "Case Clean Measured",
    "digits_features": "digit_classes digit_features load_digits",
    "distances": "frechet marginal_tv relative_covariance_error relative_mean_error sliced_w1",
    "pairs": "cubic discrepancy",
    "report": "error_report",
    "sampled": "SampledMetric",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Case",
    "Clean",
    "Measured",
    "SampledMetric",
    "cubic",
    "digit_classes",
    "digit_features",
    "discrepancy",
    "error_report",
    "frechet",
    "load_digits",
    "marginal_tv",
    "relative_covariance_error",
    "relative_mean_error",
    "sliced_w1",
]

__getattr__ = lazily(__name__, _HOME_OF)  # its modules load torch
