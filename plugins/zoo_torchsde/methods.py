"""The methods of torchsde: static facts, a row each, and the comparison with what is installed.

The weak orders are those of additive noise, which is all that a reverse SDE has; torchsde's own table has the general ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo import SolverCard, Source
from zoo_torchsde.bridge import CALCULUS, EulerStep, FixedStep
from zoo_torchsde.reverse_sde import CLOCKS

if TYPE_CHECKING:
    pass


def _source(where: str, authors: str, title: str, **link: str) -> Source:
    return Source(authors=authors, title=title, where=f"{where}; in torchsde 0.2.6", **link)


def _method(kind: type[FixedStep], method: str, title: str, source: Source, **facts: Any) -> type[FixedStep]:
    """The solver class of a method."""
    card = SolverCard(
        name=f"torchsde-{method.replace('_', '-')}",
        title=f"{title} (torchsde)",
        family="torchsde",
        stochastic=True,
        variable="t",
        needs=CLOCKS["t"].needs,
        noise_level=1,
        source=source,
        **facts,
    )
    attributes = {"__doc__": f"{title}, as torchsde has it.", "__module__": __name__, "method": method, "card": card}
    return type(f"TorchSDE{''.join(word.title() for word in method.split('_'))}", (kind,), attributes)


_KLOEDEN = {
    "authors": "Kloeden & Platen 1992",
    "title": "Numerical Solution of Stochastic Differential Equations",
    "link": "https://doi.org/10.1007/978-3-662-12616-5",
}
_BURRAGE = {
    "authors": "Burrage, Burrage & Tian 2004",
    "title": "Numerical methods for strong solutions of stochastic differential equations: an overview",
    "link": "https://doi.org/10.1098/rspa.2003.1247",
}


METHODS = [
    _method(
        EulerStep, "euler", "Euler-Maruyama", _source("eq. (10.2.4)", **_KLOEDEN),
        weak_order=1, strong_order=1, equivalents=("euler-maruyama",),
    ),
    _method(
        EulerStep, "milstein", "Milstein", _source("eq. (10.3.1), whose correction is zero for additive noise", **_KLOEDEN),
        weak_order=1, strong_order=1, equivalents=("euler-maruyama", "torchsde-euler"),
    ),
    _method(
        FixedStep, "srk", "Stochastic Runge-Kutta SRA1",
        _source(
            "Table 6.3, SRA1", "Rossler 2010",
            "Runge-Kutta Methods for the Strong Approximation of Solutions of Stochastic Differential Equations",
            link="https://doi.org/10.1137/09076636X",
        ),
        evaluations=2, weak_order=2, strong_order=1.5,
    ),
    _method(FixedStep, "heun", "Stratonovich Heun", _source("Heun method", **_BURRAGE), evaluations=2, weak_order=2, strong_order=1),
    _method(FixedStep, "midpoint", "Stratonovich midpoint", _source("midpoint rule", **_BURRAGE), evaluations=2, weak_order=2, strong_order=1),
    _method(FixedStep, "euler_heun", "Euler-Heun", _source("eq. (4.9.6)", **_KLOEDEN), weak_order=1, strong_order=1),
    _method(
        FixedStep, "log_ode", "Log-ODE, midpoint",
        _source(
            "Section 5", "Foster, Lyons & Oberhauser 2020",
            "An Optimal Polynomial Approximation of Brownian Motion", arxiv="1904.06998",
        ),
        evaluations=2, weak_order=2, strong_order=1, equivalents=("torchsde-midpoint",),
    ),
]  # fmt: skip


#: Not offered: the adjoint of a method, for gradients; and reversible Heun, which is stable on imaginary eigenvalues only,
#: where a reverse SDE has negative ones (on the bundled mixtures its law is off by a hundred standard errors at 80 steps).
_LEFT_OUT = {"adjoint_reversible_heun", "reversible_heun"}


def compare() -> list[str]:
    """How the methods of the installed torchsde differ from the ones here, a line each; none if they agree."""
    from torchsde.settings import METHODS as INSTALLED

    installed = set(INSTALLED.all()) - _LEFT_OUT
    missing = [
        f"torchsde no longer has the method {name!r}; it will fail" for name in sorted(set(CALCULUS) - installed)
    ]
    new = [f"torchsde has a method {name!r} that the zoo does not know" for name in sorted(installed - set(CALCULUS))]
    return missing + new
