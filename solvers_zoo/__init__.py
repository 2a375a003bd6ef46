"""A zoo of samplers and solvers for score-based (diffusion) models.

    import solvers_zoo as zoo

    model = zoo.model("ring")                                   # or zoo.FunctionModel(network, sde=zoo.VP(), ...)
    result = zoo.sample(model, solver="dpmpp-2m", steps=10, n=1000, seed=0)

Names are imported when first used: importing the package, a plugin or the command line loads neither torch nor numpy.

The rooms, from the top down; each imports only those below it (written by python docs/rooms.py):

    cli          The command line: `zoo` reads the arguments, calls the package and prints the answer.
    catalogue    What the core itself registers, through the same hooks as any plugin: processes, grids, models, metrics.
    bench        Which solver is best for a model and a budget: sweeps, their stored cells, reports, recommendations, cost.
    testing      Whether what a solver claims of itself is true: the conformance kit, which measures every claim.
    train        How a score model is trained: objectives, networks, data and the training loop.
    likelihood   How probable data are under a model: log-likelihood, bits per dimension, the variational bound.
    editing      How a model changes given data: encoding and decoding, interpolation, a start from noised data.
    inverse      How samples agree with a linear observation: operators, models that see it, the exact posterior.
    interop      How other libraries are used: their networks as our models, our solvers in their loops.
    sampling     How a solver is run: `sample` makes grid and noise, counts calls, stops, resumes, returns a Result.
    metrics      How far samples are from the law they should have, each figure beside what exact samples would show.
    charts       How figures are drawn: one theme, light and dark; lines, panels and pictures of samples; files and offline pages.
    solving      What a solver is: the interface, and bases for single steps, multistep, stages and adaptive steps.
    exact        What the exact answer is: flow maps, transports and laws that solvers are measured against.
    time_grids   At which times a solver steps: grids, and the rules that make them.
    score_models What answers the solver's question for the score: the interface, analytic models, networks, checkpoints.
    noise        Where random numbers come from: each has an address (seed, stream, sample, step, call), in any batch.
    processes    How data turn into noise: forward processes, their points, what a model may predict on them.
    executors    Where many tasks run: here, in processes of their own, or wherever a plugin brings them.
    registry     How things are found by name: plugins and their hooks, cards, options, and specs like `heun:variable=t`.
    storage      How files are kept: written whole or not at all, tensors with their card, locks, shared folders.
    numerics     Which arithmetic solvers share: scalars, linear combinations, phi functions, tableaus, weights.
    errors       Every error of the zoo, drawn once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo.registry.public import HOME_OF, LEFT_FOR, lazily

if TYPE_CHECKING:  # for type checkers; at run time the table below is read instead
    from solvers_zoo.bench.experiment import Experiment as Experiment
    from solvers_zoo.editing.interpolate import Way as Way
    from solvers_zoo.editing.interpolate import interpolate as interpolate
    from solvers_zoo.editing.sdedit import edit as edit
    from solvers_zoo.editing.slerp import slerp as slerp
    from solvers_zoo.errors import AmbiguousNameError as AmbiguousNameError
    from solvers_zoo.errors import DomainError as DomainError
    from solvers_zoo.errors import IncompatibleError as IncompatibleError
    from solvers_zoo.errors import Interrupted as Interrupted
    from solvers_zoo.errors import ModelError as ModelError
    from solvers_zoo.errors import NotFiniteError as NotFiniteError
    from solvers_zoo.errors import OptionError as OptionError
    from solvers_zoo.errors import PluginError as PluginError
    from solvers_zoo.errors import StorageError as StorageError
    from solvers_zoo.errors import UnknownNameError as UnknownNameError
    from solvers_zoo.errors import ZooError as ZooError
    from solvers_zoo.exact.dispatch import exact_flow as exact_flow
    from solvers_zoo.executors.base import Executor as Executor
    from solvers_zoo.interop.as_diffusers import as_diffusers_scheduler as as_diffusers_scheduler
    from solvers_zoo.interop.as_k_diffusion import as_k_diffusion as as_k_diffusion
    from solvers_zoo.interop.from_diffusers import from_diffusers as from_diffusers
    from solvers_zoo.interop.from_edm import from_edm as from_edm
    from solvers_zoo.interop.from_k_diffusion import from_k_diffusion as from_k_diffusion
    from solvers_zoo.interop.from_onnx import from_onnx as from_onnx
    from solvers_zoo.interop.from_score_sde import from_score_sde as from_score_sde
    from solvers_zoo.inverse.ddnm import DDNM as DDNM
    from solvers_zoo.inverse.dps import DPS as DPS
    from solvers_zoo.inverse.mmps import MMPS as MMPS
    from solvers_zoo.inverse.observed import Observed as Observed
    from solvers_zoo.inverse.operators import DecomposedOperator as DecomposedOperator
    from solvers_zoo.inverse.operators import FunctionOperator as FunctionOperator
    from solvers_zoo.inverse.operators import LinearOperator as LinearOperator
    from solvers_zoo.inverse.pigdm import PiGDM as PiGDM
    from solvers_zoo.inverse.posterior import posterior as posterior
    from solvers_zoo.inverse.shapes import Average as Average
    from solvers_zoo.inverse.shapes import Blur as Blur
    from solvers_zoo.inverse.shapes import Grey as Grey
    from solvers_zoo.inverse.shapes import Mask as Mask
    from solvers_zoo.inverse.shapes import Matrix as Matrix
    from solvers_zoo.likelihood.bits import Bits as Bits
    from solvers_zoo.likelihood.bits import bits_per_dim as bits_per_dim
    from solvers_zoo.likelihood.bound import Bound as Bound
    from solvers_zoo.likelihood.bound import variational_bound as variational_bound
    from solvers_zoo.likelihood.density import Likelihood as Likelihood
    from solvers_zoo.likelihood.density import log_likelihood as log_likelihood
    from solvers_zoo.likelihood.proxy import tomczak_proxy as tomczak_proxy
    from solvers_zoo.metrics.base import Metric as Metric
    from solvers_zoo.noise.base import Draws as Draws
    from solvers_zoo.noise.base import Noise as Noise
    from solvers_zoo.noise.brownian import BrownianPath as BrownianPath
    from solvers_zoo.noise.path import GridNoise as GridNoise
    from solvers_zoo.noise.path import PathNoise as PathNoise
    from solvers_zoo.noise.seeded import SeededNoise as SeededNoise
    from solvers_zoo.numerics.combine import combine as combine
    from solvers_zoo.processes.base import SDE as SDE
    from solvers_zoo.processes.base import GaussianPoint as GaussianPoint
    from solvers_zoo.processes.base import GaussianSDE as GaussianSDE
    from solvers_zoo.processes.base import Point as Point
    from solvers_zoo.processes.brownian import Brownian as Brownian
    from solvers_zoo.processes.cosine import Cosine as Cosine
    from solvers_zoo.processes.ddpm_betas import DDPMBetas as DDPMBetas
    from solvers_zoo.processes.edm import EDM as EDM
    from solvers_zoo.processes.families import VarianceExploding as VarianceExploding
    from solvers_zoo.processes.families import VariancePreserving as VariancePreserving
    from solvers_zoo.processes.ou import OU as OU
    from solvers_zoo.processes.prediction import GaussianPrediction as GaussianPrediction
    from solvers_zoo.processes.prediction import Prediction as Prediction
    from solvers_zoo.processes.rectified_flow import RectifiedFlow as RectifiedFlow
    from solvers_zoo.processes.sub_vp import SubVP as SubVP
    from solvers_zoo.processes.variable import VARIABLES as VARIABLES
    from solvers_zoo.processes.variable import Variable as Variable
    from solvers_zoo.processes.ve import VE as VE
    from solvers_zoo.processes.ve_power import VEPower as VEPower
    from solvers_zoo.processes.vp import VP as VP
    from solvers_zoo.registry.card import API_VERSION as API_VERSION
    from solvers_zoo.registry.card import Card as Card
    from solvers_zoo.registry.card import ExecutorCard as ExecutorCard
    from solvers_zoo.registry.card import GridCard as GridCard
    from solvers_zoo.registry.card import MetricCard as MetricCard
    from solvers_zoo.registry.card import ModelCard as ModelCard
    from solvers_zoo.registry.card import NetworkCard as NetworkCard
    from solvers_zoo.registry.card import ObjectiveCard as ObjectiveCard
    from solvers_zoo.registry.card import SDECard as SDECard
    from solvers_zoo.registry.card import SolverCard as SolverCard
    from solvers_zoo.registry.card import Source as Source
    from solvers_zoo.registry.card import StudyCard as StudyCard
    from solvers_zoo.registry.hookspecs import Deferred as Deferred
    from solvers_zoo.registry.hookspecs import hookimpl as hookimpl
    from solvers_zoo.registry.options import Configurable as Configurable
    from solvers_zoo.registry.options import option as option
    from solvers_zoo.registry.registry import Registry as Registry
    from solvers_zoo.registry.registry import grid as grid
    from solvers_zoo.registry.registry import model as model
    from solvers_zoo.registry.registry import sde as sde
    from solvers_zoo.registry.registry import solver as solver
    from solvers_zoo.sampling.budget import steps_for as steps_for
    from solvers_zoo.sampling.driver import sample as sample
    from solvers_zoo.sampling.encode import encode as encode
    from solvers_zoo.sampling.result import Pause as Pause
    from solvers_zoo.sampling.result import Result as Result
    from solvers_zoo.sampling.shards import sample_shards as sample_shards
    from solvers_zoo.score_models.analytic import AnalyticModel as AnalyticModel
    from solvers_zoo.score_models.base import ModelWrapper as ModelWrapper
    from solvers_zoo.score_models.base import ScoreModel as ScoreModel
    from solvers_zoo.score_models.checkpoints import load_model as load_model
    from solvers_zoo.score_models.checkpoints import read_card as read_card
    from solvers_zoo.score_models.checkpoints import save_model as save_model
    from solvers_zoo.score_models.function import FunctionModel as FunctionModel
    from solvers_zoo.score_models.gaussian import Gaussian as Gaussian
    from solvers_zoo.score_models.kernel import KernelMixture as KernelMixture
    from solvers_zoo.score_models.mixture import Mixture as Mixture
    from solvers_zoo.score_models.network import NetworkModel as NetworkModel
    from solvers_zoo.score_models.targets.base import Target as Target
    from solvers_zoo.score_models.wrappers.analytic_first_step import AnalyticFirstStep as AnalyticFirstStep
    from solvers_zoo.score_models.wrappers.autoguidance import AutoGuidance as AutoGuidance
    from solvers_zoo.score_models.wrappers.classifier import ClassifierGuidance as ClassifierGuidance
    from solvers_zoo.score_models.wrappers.counting import CountingModel as CountingModel
    from solvers_zoo.score_models.wrappers.guided import Guided as Guided
    from solvers_zoo.score_models.wrappers.inpainting import Inpainting as Inpainting
    from solvers_zoo.score_models.wrappers.once import Once as Once
    from solvers_zoo.score_models.wrappers.score_error import ScoreError as ScoreError
    from solvers_zoo.score_models.wrappers.thresholding import DynamicThresholding as DynamicThresholding
    from solvers_zoo.score_models.wrappers.thresholding import Thresholding as Thresholding
    from solvers_zoo.solving.adaptive_steps import AdaptiveSteps as AdaptiveSteps
    from solvers_zoo.solving.around import Around as Around
    from solvers_zoo.solving.exponential import ExponentialRungeKutta as ExponentialRungeKutta
    from solvers_zoo.solving.multistep import Multistep as Multistep
    from solvers_zoo.solving.stages import StageSolver as StageSolver
    from solvers_zoo.solving.stepping import Interval as Interval
    from solvers_zoo.solving.stepping import Past as Past
    from solvers_zoo.solving.stepping import Solver as Solver
    from solvers_zoo.solving.stepping import State as State
    from solvers_zoo.solving.stepping import Step as Step
    from solvers_zoo.solving.stepping import StepSolver as StepSolver
    from solvers_zoo.solving.stepping import made_of_steps as made_of_steps
    from solvers_zoo.solving.stepping import remember as remember
    from solvers_zoo.time_grids.base import Grid as Grid
    from solvers_zoo.time_grids.base import GridRule as GridRule
    from solvers_zoo.time_grids.fitting import Fitting as Fitting
    from solvers_zoo.train.networks.base import Network as Network
    from solvers_zoo.train.objectives.base import Objective as Objective

__version__ = "0.1.0"

__all__ = ["__version__", "grids", "models", "sdes", "solvers", *sorted(HOME_OF)]


__getattr__ = lazily(__name__, HOME_OF, LEFT_FOR)


def __dir__() -> list[str]:
    return sorted(__all__)


def solvers(**where: Any) -> list[Any]:
    """Cards of all registered solvers; keywords keep those whose fields equal: ``zoo.solvers(family="dpm")``."""
    from solvers_zoo.registry.registry import cards

    return cards("solver", where)


def sdes(**where: Any) -> list[Any]:
    """Cards of all registered processes."""
    from solvers_zoo.registry.registry import cards

    return cards("sde", where)


def models(**where: Any) -> list[Any]:
    """Cards of all ready-made models."""
    from solvers_zoo.registry.registry import cards

    return cards("model", where)


def grids(**where: Any) -> list[Any]:
    """Cards of all grid rules."""
    from solvers_zoo.registry.registry import cards

    return cards("grid", where)
