"""How far samples are from the law they should have, each figure beside what exact samples would show."""

from solvers_zoo.metrics.distances import marginal_tv as marginal_tv
from solvers_zoo.metrics.distances import mode_weight_error as mode_weight_error
from solvers_zoo.metrics.distances import relative_covariance_error as relative_covariance_error
from solvers_zoo.metrics.distances import relative_mean_error as relative_mean_error
from solvers_zoo.metrics.distances import sliced_w1 as sliced_w1
from solvers_zoo.metrics.report import Figure as Figure
from solvers_zoo.metrics.report import error_report as error_report
