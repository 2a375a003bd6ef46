"""The drift that VP and sub-VP share: -beta(t) X / 2 with beta linear in t."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.numerics.scalar import exp, sqrt
from solvers_zoo.processes.base import GaussianSDE
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S


class LinearBeta(GaussianSDE):
    """f = -beta(t)/2 with beta(t) = beta_min + t (beta_max - beta_min), so alpha = e^(-B(t)/2), B = int_0^t beta."""

    beta_min: float = option(0.1, help="rate of noising at t = 0", above=0.0)
    beta_max: float = option(20.0, help="rate of noising at t = 1", above=0.0)
    t_min: float = option(1e-3, help="end of sampling, where sigma is still positive", above=0.0)
    t_max: float = option(1.0, help="start of sampling", above=0.0)

    def check(self) -> None:
        """beta_min <= beta_max."""
        if not self.beta_min <= self.beta_max:
            raise OptionError(
                f"{self.spec_name()}: beta_min = {self.beta_min:g} lies above beta_max = {self.beta_max:g}."
            )
        super().check()

    def beta(self, t: S) -> S:
        """The rate of noising."""
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def integral(self, t: S) -> S:
        """B(t) = int_0^t beta."""
        return t * (self.beta_min + t * ((self.beta_max - self.beta_min) / 2))

    def t_of_integral(self, B: S) -> S:
        """The time at which int_0^t beta = ``B``: the root of a quadratic in the form that does not cancel."""
        return 2 * B / (self.beta_min + sqrt(self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * B))

    def alpha(self, t: S) -> S:
        """e^(-B/2)."""
        return exp(-self.integral(t) / 2)

    def dalpha(self, t: S) -> S:
        """-beta alpha / 2."""
        return -self.beta(t) / 2 * self.alpha(t)
