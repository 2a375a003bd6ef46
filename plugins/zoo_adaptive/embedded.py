"""Embedded Runge-Kutta pairs whose steps are chosen for every sample by itself, under the names that the field knows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

from solvers_zoo import VARIABLES, AdaptiveSteps, Configurable, SolverCard, Source, StepSolver, option, solver


class HasVariable(Configurable):
    """The option ``variable``; in a base of its own, so that it comes before those of `AdaptiveSteps`."""

    variable: str = option("sigma", help="integration variable: t, sigma or lam", choices=tuple(VARIABLES))


class EmbeddedPair(AdaptiveSteps, HasVariable):
    r"""The Runge-Kutta ``pair`` with steps chosen by the difference of its two results, under PI control.

        err = rms over coordinates of  h scale sum_i (b_i - bhat_i) k_i / (atol + rtol max(|x|, |x_s|));  accepted if err <= 1
        h <- h safety err^(-(P + I)/k) err_1^(P/k),  k the order of the pair

    It is ``adaptive(pair)``, for every sample by itself, where torchdiffeq and SciPy take one step for the whole batch.
    """

    pair: ClassVar[str]
    """The pair's name in the registry."""

    @property
    def stepper(self) -> StepSolver:
        """The pair, in this variable."""
        return _made(self.pair, self.variable)

    def facts(self) -> SolverCard:
        """The same as ``adaptive`` of the pair, with whatever options are off their defaults."""
        own = self.defaults()
        changed = [
            f"{name}={getattr(self, name)}" for name in own if name != "variable" and getattr(self, name) != own[name]
        ]
        return replace(super().facts(), equivalents=(f"adaptive({', '.join([str(self.stepper), *changed])})",))


@cache
def _made(name: str, variable: str) -> Any:
    return solver(name, variable=variable)


def _card(name: str, title: str, pair: str, source: Source) -> SolverCard:
    return SolverCard(
        name=name,
        title=title,
        family="adaptive",
        evaluations=None,
        adaptive=True,
        affine=False,
        variable="sigma",
        source=source,
        equivalents=(f"adaptive({pair})",),
    )


class AdaptiveBosh3(EmbeddedPair):
    """Bogacki and Shampine's pair of order 3(2) under step-size control: three evaluations a step."""

    pair = "bogacki-shampine"
    card = _card(
        "adaptive-bosh3",
        "Adaptive Bogacki-Shampine 3(2)",
        pair,
        Source(
            authors="Bogacki & Shampine 1989",
            title="A 3(2) pair of Runge-Kutta formulas",
            link="https://doi.org/10.1016/0893-9659(89)90079-7",
            where="pp. 321-325, the pair of the title",
        ),
    )


class AdaptiveDopri5(EmbeddedPair):
    """Dormand and Prince's pair of order 5(4) under step-size control: six evaluations a step."""

    pair = "dormand-prince"
    card = _card(
        "adaptive-dopri5",
        "Adaptive Dormand-Prince 5(4)",
        pair,
        Source(
            authors="Dormand & Prince 1980",
            title="A family of embedded Runge-Kutta formulae",
            link="https://doi.org/10.1016/0771-050X(80)90013-3",
            where="Table 2, RK5(4)7M",
        ),
    )


class AdaptiveTsit5(EmbeddedPair):
    """Tsitouras' pair of order 5(4) under step-size control: six evaluations a step."""

    pair = "tsitouras"
    card = _card(
        "adaptive-tsit5",
        "Adaptive Tsitouras 5(4)",
        pair,
        Source(
            authors="Tsitouras 2011",
            title="Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption",
            link="https://doi.org/10.1016/j.camwa.2011.06.002",
            where="pp. 770-775, the pair of the title",
        ),
    )


class AdaptiveDopri8(EmbeddedPair):
    """Prince and Dormand's pair of order 8(7) under step-size control: thirteen evaluations a step."""

    pair = "dormand-prince-8"
    card = _card(
        "adaptive-dopri8",
        "Adaptive Dormand-Prince 8(7)",
        pair,
        Source(
            authors="Prince & Dormand 1981",
            title="High order embedded Runge-Kutta formulae",
            link="https://doi.org/10.1016/0771-050X(81)90010-3",
            where="Table 2, RK8(7)13M",
        ),
    )
