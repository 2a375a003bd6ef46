"""The core's own plugin: its processes, grids and ready-made models, registered like anybody's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo.hookspecs import hookimpl


@hookimpl
def zoo_sdes() -> Iterable[Any]:
    """Forward processes."""
    from solvers_zoo.processes.brownian import Brownian
    from solvers_zoo.processes.cosine import Cosine
    from solvers_zoo.processes.ddpm_betas import DDPMBetas
    from solvers_zoo.processes.edm import EDM
    from solvers_zoo.processes.ou import OU
    from solvers_zoo.processes.rectified_flow import RectifiedFlow
    from solvers_zoo.processes.sub_vp import SubVP
    from solvers_zoo.processes.ve import VE
    from solvers_zoo.processes.ve_power import VEPower
    from solvers_zoo.processes.vp import VP

    return [VE, VP, OU, EDM, SubVP, Cosine, VEPower, Brownian, DDPMBetas, RectifiedFlow]


@hookimpl
def zoo_grids() -> Iterable[Any]:
    """Time grids."""
    from solvers_zoo.time_grids.ddpm_spacing import DDPMSpacing
    from solvers_zoo.time_grids.explicit import Explicit
    from solvers_zoo.time_grids.kappa import Kappa
    from solvers_zoo.time_grids.karras import Karras
    from solvers_zoo.time_grids.log_snr import LogSNR
    from solvers_zoo.time_grids.polyexponential import Polyexponential
    from solvers_zoo.time_grids.quadratic import Quadratic
    from solvers_zoo.time_grids.uniform import Uniform

    return [Kappa, Karras, LogSNR, Uniform, Explicit, Quadratic, DDPMSpacing, Polyexponential]


@hookimpl
def zoo_models() -> Iterable[Any]:
    """Ready-made targets."""
    from solvers_zoo.score_models.targets.digits import Digits
    from solvers_zoo.score_models.targets.mixtures import (
        Bimodal,
        BimodalPoints,
        GaussianTarget,
        Mixture1D,
        Mixture2D,
        Mixture5,
        Ring,
    )
    from solvers_zoo.score_models.targets.shapes import Checkerboard, SwissRoll, TwoMoons

    return [
        Ring, Digits, Bimodal, Mixture5, TwoMoons, SwissRoll, Mixture1D, Mixture2D, Checkerboard, BimodalPoints, GaussianTarget,
    ]  # fmt: skip
