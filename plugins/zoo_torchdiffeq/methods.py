"""The methods of torchdiffeq: static facts, a row each, and the comparison with what is installed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solvers_zoo import SolverCard, Source
from zoo_torchdiffeq.bridge import (
    Adaptive,
    AdaptiveLowOrder,
    ExplicitAdams,
    FixedGrid,
    ImplicitAdams,
    SciPy,
    TorchDiffEq,
)

_BOOK = Source(
    authors="Hairer, Norsett & Wanner 1993",
    title="Solving Ordinary Differential Equations I",
    link="https://doi.org/10.1007/978-3-540-78862-1",
    where="",
)


def _book(where: str) -> Source:
    return replace(_BOOK, where=where)


def _method(
    kind: type[TorchDiffEq], method: str, title: str, source: Source, cost: str = "", **facts: Any
) -> type[TorchDiffEq]:
    """The solver class of a method; ``cost`` says in words what the card has no number for."""
    card = SolverCard(
        name=f"torchdiffeq-{method.replace('_', '-')}",
        title=f"{title} (torchdiffeq)",
        family="torchdiffeq",
        variable="t",
        needs=(),
        source=source,
        **facts,
    )
    return type(
        f"TorchDiffEq{''.join(word.title() for word in method.split('_'))}",
        (kind,),
        {
            "__doc__": f"{title}, as torchdiffeq has it{cost and f', at {cost}'}. {kind.__doc__}",
            "__module__": __name__,
            "method": method,
            "card": card,
        },
    )


_CHOOSES: dict[str, Any] = {
    "evaluations": None,
    "adaptive": True,
    "affine": False,
    "batch_coupled": True,
    "resumable": False,
}


def _attempts(evaluations: str) -> str:
    return f"{evaluations} an attempted step of the whole batch, and 2 to begin"


METHODS = [
    _method(FixedGrid, "euler", "Euler", _book("eq. (I.7.3)"), order=1, evaluations=1, equivalents=("euler",)),
    _method(FixedGrid, "midpoint", "Midpoint", _book("eq. (II.1.3)"), order=2, evaluations=2, equivalents=("midpoint",)),
    _method(FixedGrid, "heun2", "Heun", _book("Section II.1"), order=2, evaluations=2, equivalents=("heun",)),
    _method(
        FixedGrid, "heun3", "Heun's third-order method", _book("Table II.1.1"), order=3, evaluations=3, equivalents=("heun3",)
    ),
    _method(FixedGrid, "rk4", "3/8 rule", _book("Table II.1.2, right"), order=4, evaluations=4, equivalents=("rk38",)),
    _method(
        ExplicitAdams, "explicit_adams", "Adams-Bashforth", _book("eq. (III.1.5)"), order=2, memory=2, resumable=False
    ),
    _method(
        ImplicitAdams, "implicit_adams", "Adams-Moulton", _book("eq. (III.1.8)"), order=2, evaluations=None, memory=2,
        implicit=True, batch_coupled=True, resumable=False, aliases=("torchdiffeq-fixed-adams",),
        cost="1 evaluation a round of its iteration",
    ),
    _method(
        AdaptiveLowOrder, "adaptive_heun", "Heun-Euler 2(1)", _book("Section II.4"), _attempts("1 evaluation"), **_CHOOSES
    ),
    _method(
        AdaptiveLowOrder, "fehlberg2", "Fehlberg 2(1)", _book("Section II.4 (Fehlberg 1969)"), _attempts("2 evaluations"),
        **_CHOOSES,
    ),
    _method(
        Adaptive, "bosh3", "Bogacki-Shampine 3(2)",
        Source(
            authors="Bogacki & Shampine 1989", title="A 3(2) pair of Runge-Kutta formulas",
            link="https://doi.org/10.1016/0893-9659(89)90079-7", where="the 3(2) pair of the title",
        ),
        _attempts("3 evaluations"), **_CHOOSES,
    ),
    _method(
        Adaptive, "dopri5", "Dormand-Prince 5(4)",
        Source(
            authors="Dormand & Prince 1980", title="A family of embedded Runge-Kutta formulae",
            link="https://doi.org/10.1016/0771-050X(80)90013-3", where="Table 2, RK5(4)7M",
        ),
        _attempts("6 evaluations"), **_CHOOSES,
    ),
    _method(
        Adaptive, "dopri8", "Dormand-Prince 8(7)",
        Source(
            authors="Prince & Dormand 1981", title="High order embedded Runge-Kutta formulae",
            link="https://doi.org/10.1016/0771-050X(81)90010-3", where="Table 2, RK8(7)13M",
        ),
        _attempts("13 evaluations"), **_CHOOSES,
    ),
    _method(
        SciPy, "scipy_solver", "SciPy's solve_ivp", _book("Section II.10 (DOP853)"),
        "12 (DOP853), 6 (RK45) or 3 (RK23) evaluations an attempted step of the whole batch, on the CPU", **_CHOOSES,
    ),
]  # fmt: skip

#: Names of torchdiffeq that stand for a method above.
_OTHER_NAMES = {"fixed_adams"}


def compare() -> list[str]:
    """How the methods of the installed torchdiffeq differ from the ones here, a line each; none if they agree."""
    from torchdiffeq._impl.odeint import SOLVERS

    here = {method.method for method in METHODS} | _OTHER_NAMES
    missing = [
        f"torchdiffeq no longer has the method {name!r}; torchdiffeq-{name} will fail"
        for name in sorted(here - set(SOLVERS))
    ]
    new = [f"torchdiffeq has a method {name!r} that the zoo does not know" for name in sorted(set(SOLVERS) - here)]
    return missing + new
