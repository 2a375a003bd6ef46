"""The methods of torchdiffeq: static facts, a row each, and the comparison with what is installed."""

from __future__ import annotations

from typing import Any

from solvers_zoo import SolverCard, Source
from zoo_torchdiffeq.bridge import Adaptive, ExplicitAdams, FixedGrid, ImplicitAdams, SciPy, TorchDiffEq


def _source(where: str) -> Source:
    return Source(
        authors="Chen 2018",
        title="torchdiffeq",
        link="https://github.com/rtqichen/torchdiffeq",
        where=where,
    )


def _method(kind: type[TorchDiffEq], method: str, title: str, where: str, **facts: Any) -> type[TorchDiffEq]:
    """The solver class of a method."""
    card = SolverCard(
        name=f"torchdiffeq-{method.replace('_', '-')}",
        title=f"{title} (torchdiffeq)",
        family="torchdiffeq",
        variable="t",
        needs=(),
        source=_source(where),
        **facts,
    )
    return type(
        f"TorchDiffEq{''.join(word.title() for word in method.split('_'))}",
        (kind,),
        {"__doc__": f"{title}, as torchdiffeq has it. {kind.__doc__}", "__module__": __name__, "method": method, "card": card},
    )


_CHOOSES: dict[str, Any] = {"evaluations": None, "adaptive": True, "affine": False, "batch_coupled": True, "resumable": False}

METHODS = [
    _method(FixedGrid, "euler", "Euler", "Euler", order=1, evaluations=1, equivalents=("euler",)),
    _method(FixedGrid, "midpoint", "Midpoint", "Midpoint", order=2, evaluations=2, equivalents=("midpoint",)),
    _method(FixedGrid, "heun2", "Heun", "Heun2", order=2, evaluations=2, equivalents=("heun",)),
    _method(FixedGrid, "heun3", "Heun's third-order method", "Heun3", order=3, evaluations=3, equivalents=("heun3",)),
    _method(FixedGrid, "rk4", "3/8 rule", "RK4 (the 3/8 rule)", order=4, evaluations=4, equivalents=("rk38",)),
    _method(ExplicitAdams, "explicit_adams", "Adams-Bashforth", "AdamsBashforth", order=2, memory=2, resumable=False),
    _method(
        ImplicitAdams, "implicit_adams", "Adams-Moulton", "AdamsBashforthMoulton", order=2, evaluations=None, memory=2,
        affine=False, batch_coupled=True, resumable=False, aliases=("torchdiffeq-fixed-adams",),
    ),
    _method(Adaptive, "adaptive_heun", "Heun-Euler 2(1)", "AdaptiveHeunSolver", **_CHOOSES),
    _method(Adaptive, "fehlberg2", "Fehlberg 2(1)", "Fehlberg2", **_CHOOSES),
    _method(Adaptive, "bosh3", "Bogacki-Shampine 3(2)", "Bosh3Solver", **_CHOOSES),
    _method(Adaptive, "dopri5", "Dormand-Prince 5(4)", "Dopri5Solver", **_CHOOSES),
    _method(Adaptive, "dopri8", "Dormand-Prince 8(5,3)", "Dopri8Solver", **_CHOOSES),
    _method(SciPy, "scipy_solver", "SciPy's solve_ivp", "ScipyWrapperODESolver", **_CHOOSES),
]  # fmt: skip

#: Names of torchdiffeq that stand for a method above.
_OTHER_NAMES = {"fixed_adams"}


def compare() -> list[str]:
    """How the methods of the installed torchdiffeq differ from the ones here, a line each; none if they agree."""
    from torchdiffeq._impl.odeint import SOLVERS

    here = {method.method for method in METHODS} | _OTHER_NAMES
    missing = [f"torchdiffeq no longer has the method {name!r}; torchdiffeq-{name} will fail" for name in sorted(here - set(SOLVERS))]
    new = [f"torchdiffeq has a method {name!r} that the zoo does not know" for name in sorted(set(SOLVERS) - here)]
    return missing + new
