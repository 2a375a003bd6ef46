"""Integration variables of the probability flow.

The flow dx/dt can be integrated as dy/du for any scaled state y = x / scale and any clock u(t):

    t       y = x,        u = t,               dy/du = alpha' x0 + sigma' eps
    sigma   y = x/alpha,  u = sigma/alpha,     dy/du = eps                        (Karras et al. 2022, eq. (4); DDIM)
    lam     y = x/alpha,  u = log(alpha/sigma), dy/du = -(sigma/alpha) eps

``sigma`` and ``lam`` remove the linear drift exactly; they need alpha > 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import SDE, GaussianPoint


@dataclass(frozen=True)
class Variable:
    """One choice of scaled state and clock."""

    name: str
    clock: Callable[[GaussianPoint], Scalar]
    """u of a point."""
    scale: Callable[[GaussianPoint], Scalar]
    """x / y at a point."""
    slope: Callable[[GaussianPoint], tuple[Scalar, Scalar]]
    """(r, s) with dy/du = r x0 + s eps at a point."""
    time: Callable[[SDE, Scalar], Scalar]
    """The time of an SDE at clock u."""
    needs: tuple[str, ...]
    """What a solver card needs with this variable."""

    def point(self, sde: SDE, u: Scalar) -> GaussianPoint:
        """The point of an SDE at clock u."""
        return sde.at(self.time(sde, u))


def _itself(sde: SDE, t: Scalar) -> Scalar:
    return t


def _of_rho(sde: SDE, rho: Scalar) -> Scalar:
    return sde.as_gaussian().t_of_rho(rho)


def _of_lam(sde: SDE, lam: Scalar) -> Scalar:
    return sde.as_gaussian().t_of_lam(lam)


#: By name.
VARIABLES = {
    "t": Variable("t", lambda p: p.t, lambda _: 1.0, lambda p: (p.dalpha, p.dsigma), _itself, ("gaussian",)),
    "sigma": Variable(
        "sigma", lambda p: p.rho, lambda p: p.alpha, lambda _: (0.0, 1.0), _of_rho, ("gaussian", "finite-lam")
    ),
    "lam": Variable(
        "lam", lambda p: p.lam, lambda p: p.alpha, lambda p: (0.0, -p.rho), _of_lam, ("gaussian", "finite-lam")
    ),
}
