"""What the core itself registers, through the same hooks as any plugin: processes, grids, models, metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo.registry.hookspecs import hookimpl


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
    from solvers_zoo.score_models.targets.networks import DigitsNCSN, DigitsNet, MoonsNet
    from solvers_zoo.score_models.targets.shapes import Checkerboard, SwissRoll, TwoMoons

    return [
        Ring,
        Digits,
        Bimodal,
        DigitsNet,
        Mixture5,
        MoonsNet,
        TwoMoons,
        SwissRoll,
        Mixture1D,
        Mixture2D,
        DigitsNCSN,
        Checkerboard,
        BimodalPoints,
        GaussianTarget,
    ]


@hookimpl
def zoo_metrics() -> Iterable[Any]:
    """Figures of merit."""
    from solvers_zoo.metrics.classifier import ClassifierTest
    from solvers_zoo.metrics.density import ExactKL, ExactTV
    from solvers_zoo.metrics.discrepancies import MMD, Energy
    from solvers_zoo.metrics.images import Frechet, KernelDistance
    from solvers_zoo.metrics.log_density import LogDensity
    from solvers_zoo.metrics.marginals import MarginalKS, MarginalTV
    from solvers_zoo.metrics.moments import CovarianceError, MeanError, ModeWeights
    from solvers_zoo.metrics.sliced import SlicedW1, SlicedW2
    from solvers_zoo.metrics.strong import StrongError
    from solvers_zoo.metrics.weak import WeakError
    from solvers_zoo.metrics.wrong_class import WrongClass

    return [
        MMD,
        Energy,
        ExactKL,
        ExactTV,
        Frechet,
        SlicedW1,
        SlicedW2,
        MeanError,
        WeakError,
        LogDensity,
        MarginalKS,
        MarginalTV,
        ModeWeights,
        StrongError,
        ClassifierTest,
        KernelDistance,
        CovarianceError,
        WrongClass,
    ]


@hookimpl
def zoo_executors() -> Iterable[Any]:
    """Executors that need nothing installed."""
    from solvers_zoo.executors.processes import Processes
    from solvers_zoo.executors.serial import Serial

    return [Serial, Processes]


@hookimpl
def zoo_objectives() -> Iterable[Any]:
    """Training objectives."""
    from solvers_zoo.train.objectives.denoising import DenoisingScoreMatching
    from solvers_zoo.train.objectives.explicit import ExplicitScoreMatching
    from solvers_zoo.train.objectives.flow import FlowMatching
    from solvers_zoo.train.objectives.ncsn import NCSN
    from solvers_zoo.train.objectives.sliced import SlicedScoreMatching
    from solvers_zoo.train.objectives.variational import DDPMBound

    return [NCSN, DDPMBound, FlowMatching, SlicedScoreMatching, ExplicitScoreMatching, DenoisingScoreMatching]


@hookimpl
def zoo_networks() -> Iterable[Any]:
    """Networks."""
    from solvers_zoo.train.networks.external import DiffusersUNet, Module
    from solvers_zoo.train.networks.mlp import MLP
    from solvers_zoo.train.networks.unet import UNet

    return [MLP, UNet, Module, DiffusersUNet]
