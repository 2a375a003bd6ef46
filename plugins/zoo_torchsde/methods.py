"""The methods of torchsde: static facts, a row each, and the comparison with what is installed.

The weak orders are those of additive noise, which is all that a reverse SDE has; torchsde's own table has the general ones.
"""

from __future__ import annotations

from typing import Any

from solvers_zoo import SolverCard, Source
from zoo_torchsde.bridge import CALCULUS, FixedStep
from zoo_torchsde.reverse_sde import CLOCKS


def _source(where: str, authors: str, title: str, **link: str) -> Source:
    return Source(authors=authors, title=title, where=f"{where}; in torchsde 0.2.6", **link)


def _method(method: str, title: str, source: Source, start: int = 0, **facts: Any) -> type[FixedStep]:
    """The solver class of a method."""
    card = SolverCard(
        name=f"torchsde-{method.replace('_', '-')}",
        title=f"{title} (torchsde)",
        family="torchsde",
        stochastic=True,
        variable="t",
        needs=CLOCKS["t"].needs,
        source=source,
        **facts,
    )
    attributes = {
        "__doc__": f"{title}, as torchsde has it.",
        "__module__": __name__,
        "method": method,
        "start": start,
        "card": card,
    }
    return type(f"TorchSDE{''.join(word.title() for word in method.split('_'))}", (FixedStep,), attributes)


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
        "euler", "Euler-Maruyama", _source("eq. (10.2.4)", **_KLOEDEN),
        weak_order=1, strong_order=1, equivalents=("euler-maruyama",),
    ),
    _method(
        "milstein", "Milstein", _source("eq. (10.3.1), whose correction is zero for additive noise", **_KLOEDEN),
        weak_order=1, strong_order=1, equivalents=("euler-maruyama", "torchsde-euler"),
    ),
    _method(
        "srk", "Stochastic Runge-Kutta SRA1",
        _source(
            "Table 6.3, SRA1", "Rossler 2010",
            "Runge-Kutta Methods for the Strong Approximation of Solutions of Stochastic Differential Equations",
            link="https://doi.org/10.1137/09076636X",
        ),
        evaluations=2, weak_order=2, strong_order=1.5,
    ),
    _method("heun", "Stratonovich Heun", _source("Heun method", **_BURRAGE), evaluations=2, weak_order=2, strong_order=1),
    _method("midpoint", "Stratonovich midpoint", _source("midpoint rule", **_BURRAGE), evaluations=2, weak_order=2, strong_order=1),
    _method("euler_heun", "Euler-Heun", _source("eq. (4.9.6)", **_KLOEDEN), weak_order=1, strong_order=1),
    _method(
        "log_ode", "Log-ODE, midpoint",
        _source(
            "Section 5", "Foster, Lyons & Oberhauser 2020",
            "An Optimal Polynomial Approximation of Brownian Motion", arxiv="1904.06998",
        ),
        evaluations=2, weak_order=2, strong_order=1, equivalents=("torchsde-midpoint",),
    ),
    _method(
        "reversible_heun", "Reversible Heun",
        _source("Algorithm 1", "Kidger et al. 2021", "Efficient and Accurate Gradients for Neural SDEs", arxiv="2105.13493"),
        start=1, weak_order=2, strong_order=1, memory=2,
    ),
]  # fmt: skip


def compare() -> list[str]:
    """How the methods of the installed torchsde differ from the ones here, a line each; none if they agree."""
    from torchsde.settings import METHODS as INSTALLED

    installed = set(INSTALLED.all()) - {"adjoint_reversible_heun"}  # for gradients only
    missing = [
        f"torchsde no longer has the method {name!r}; it will fail" for name in sorted(set(CALCULUS) - installed)
    ]
    new = [f"torchsde has a method {name!r} that the zoo does not know" for name in sorted(installed - set(CALCULUS))]
    return missing + new
