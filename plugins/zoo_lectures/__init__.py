"""The lectures and articles that the zoo implements: their experiments repeated, each with its figures, charts and checks of what they claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_lectures.bounds.girsanov import Girsanov
from zoo_lectures.bounds.kappa import KappaRule
from zoo_lectures.bounds.likelihood import Likelihood
from zoo_lectures.bounds.likelihood_weighting import LikelihoodWeighting
from zoo_lectures.errata.study import Errata
from zoo_lectures.errata.tomczak import Tomczak
from zoo_lectures.huang.density import HuangDensity
from zoo_lectures.huang.particles import Huang
from zoo_lectures.ncsn.far_modes import LangevinFails
from zoo_lectures.ncsn.study import NCSNStudy
from zoo_lectures.ranking.study import Ranking
from zoo_lectures.theory.early_stopping import EarlyStopping
from zoo_lectures.theory.fokker_planck import FokkerPlanck
from zoo_lectures.theory.transport_tv import TransportTV
from zoo_lectures.theory.tv_lemma import TVLemma


@hookimpl
def zoo_studies() -> Iterable[Any]:
    """Experiments of the lectures and articles."""
    return [
        Huang,
        Errata,
        Tomczak,
        TVLemma,
        Ranking,
        Girsanov,
        KappaRule,
        NCSNStudy,
        Likelihood,
        TransportTV,
        HuangDensity,
        FokkerPlanck,
        LangevinFails,
        EarlyStopping,
        LikelihoodWeighting,
    ]
