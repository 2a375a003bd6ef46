"""Exponential Runge-Kutta methods in the half log-SNR."""

from __future__ import annotations

from solvers_zoo import Solver, hookimpl
from zoo_exponential.lawson import GeneralizedLawson4, Lawson2, Lawson4
from zoo_exponential.methods import (
    ETDRK2,
    ETDRK3,
    ETDRK4,
    RES2S,
    RES3S,
    CFree4,
    ExpRK5S8,
    Friedli,
    HochbruckOstermann4,
    Krogstad,
    Minchev,
    MuntheKaas4,
    StrehmelWeiner,
)


@hookimpl
def zoo_solvers() -> list[type[Solver]]:
    """The solvers of this family."""
    return [
        RES2S,
        RES3S,
        ETDRK2,
        ETDRK3,
        ETDRK4,
        Krogstad,
        StrehmelWeiner,
        Friedli,
        HochbruckOstermann4,
        CFree4,
        MuntheKaas4,
        Minchev,
        ExpRK5S8,
        Lawson2,
        Lawson4,
        GeneralizedLawson4,
    ]
