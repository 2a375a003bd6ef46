"""Cards: what is known of a registered thing, as data.

``zoo list``, ``zoo show``, the documentation, the conformance kit and citations all read the card; the kit
checks that what it claims is true. A card imports nothing heavy, so listing five hundred is quick.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

#: Version of the interface between the zoo and its plugins. A card made for a later one is refused.
API_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a method was published, to the equation."""

    authors: str
    """Surnames and year, as cited in text: ``"Lu et al. 2022"``."""
    title: str
    where: str
    """The place in the paper: ``"Algorithm 1"``, ``"eq. (12)"``, ``"Table 2"``."""
    arxiv: str = ""
    link: str = ""

    def __str__(self) -> str:
        at = f" arXiv:{self.arxiv}" if self.arxiv else f" {self.link}" if self.link else ""
        return f"{self.authors}, {self.title},{at} {self.where}".replace(",,", ",")


@dataclass(frozen=True, kw_only=True)
class Card:
    """Facts about anything in the registry."""

    kind: ClassVar[str] = "thing"
    name: str
    title: str
    source: Source
    aliases: tuple[str, ...] = ()
    api: int = 1


@dataclass(frozen=True, kw_only=True)
class SDECard(Card):
    """Facts about a forward process."""

    kind: ClassVar[str] = "sde"
    formula: str


@dataclass(frozen=True, kw_only=True)
class ModelCard(Card):
    """Facts about a ready-made model."""

    kind: ClassVar[str] = "model"
    dim: str
    """Dimension in words, ``"2"`` or ``"any"``."""
    exact: tuple[str, ...] = ()
    """What is known in closed form: ``score``, ``density``, ``samples``, ``flow``."""


@dataclass(frozen=True, kw_only=True)
class GridCard(Card):
    """Facts about a rule for the time grid."""

    kind: ClassVar[str] = "grid"
    formula: str
    needs: tuple[str, ...] = ()
    smooth: bool = True
    """Whether the times are a smooth map of i/N; constant-coefficient multistep methods need that."""
    fitted: bool = False
    """Whether it looks at model and solver, in calls counted apart."""


@dataclass(frozen=True, kw_only=True)
class MetricCard(Card):
    """Facts about a figure of merit; smaller is better, and 0 is exact."""

    kind: ClassVar[str] = "metric"
    formula: str
    unit: str = ""
    """In words where it has one: ``"nats"``, ``"of the data"``; empty for a pure number."""
    default: bool = False
    """Whether a benchmark measures it unless told otherwise."""
    sampled: bool = True
    """Whether it is estimated from samples, and so has a floor that exact samples show too."""


@dataclass(frozen=True, kw_only=True)
class ExecutorCard(Card):
    """Facts about a way to run many tasks."""

    kind: ClassVar[str] = "executor"
    extra: str = ""
    """What to install for it: ``"slurm"`` for ``pip install "solvers-zoo[slurm]"``; empty where nothing is missing."""


@dataclass(frozen=True, kw_only=True)
class StudyCard(Card):
    """Facts about an experiment that can be repeated."""

    kind: ClassVar[str] = "study"
    claim: str
    """What it is to show, in a sentence."""
    seconds: float
    """About how long it takes on one core."""
    quick_seconds: float
    """The same for its quick form."""


@dataclass(frozen=True, kw_only=True)
class ObjectiveCard(Card):
    """Facts about what a network is trained to minimise."""

    kind: ClassVar[str] = "objective"
    formula: str


@dataclass(frozen=True, kw_only=True)
class NetworkCard(Card):
    """Facts about a kind of network."""

    kind: ClassVar[str] = "network"
    extra: str = ""
    """What to install for it; empty where nothing is missing."""


@dataclass(frozen=True, kw_only=True)
class SolverCard(Card):
    """Facts about a solver; every number is a claim that the conformance kit measures."""

    kind: ClassVar[str] = "solver"
    family: str
    evaluations: float | None = 1
    """Model calls a step; None for adaptive methods. `Solver.nfe` gives the exact total."""
    order: float | None = None
    """Global order on the probability flow as shipped, start-up included; None where it has none."""
    nominal_order: float | None = None
    """Order with exact starting values, where start-up lowers it; else equal to ``order``."""
    rough_order: float | None = None
    """Order on grids whose neighbouring steps differ, where that is less; else None."""
    cycle: int = 1
    """Steps after which a method of mixed orders repeats its pattern; its order is measured at multiples of them."""
    weak_order: float | None = None
    strong_order: float | None = None
    stochastic: bool = False
    noise_level: float | None = None
    """Noise of a small step in units of g sqrt(dt): 1 on the reverse SDE of Anderson; None where it is something else."""
    memory: int = 0
    """Past evaluations kept between steps."""
    variable: str = ""
    """The integration variable: ``t``, ``sigma``, ``lam`` or empty where the question has no meaning."""
    needs: tuple[str, ...] = ("gaussian",)
    """What it needs of process and grid; keys of `solvers_zoo.solving.stepping.NEEDS`."""
    stationary: bool = False
    """A Markov-chain kernel at fixed time rather than an integrator (Langevin)."""
    bias: str = ""
    """For a method that does not converge to the exact law: its declared stationary bias, in words."""
    bias_order: float | None = None
    """Power of the chain's step with which that bias falls on a Gaussian, inf if there is none; needs `Solver.finer`."""
    adaptive: bool = False
    implicit: bool = False
    """Whether a step solves equations, down to a residual: its evaluations are then known after a run only."""
    affine: bool = True
    """Whether a step is affine in state, predictions and noise."""
    batch_coupled: bool = False
    """Whether the samples of a batch influence each other."""
    resumable: bool = True
    equivalents: tuple[str, ...] = field(default=())
    """Other names and settings that give the same numbers."""

    def noise_free(self, order: float | None, equivalents: tuple[str, ...] = ()) -> SolverCard:
        """The card of this solver with its noise off: a solver of the flow, of ``order``, which runs in both directions."""
        return replace(
            self,
            order=order,
            weak_order=None,
            strong_order=None,
            stochastic=False,
            noise_level=None,
            needs=tuple(need for need in self.needs if need != "decreasing"),
            equivalents=equivalents,
        )

    def also_needing(self, *needs: str) -> SolverCard:
        """The card with ``needs`` beside its own."""
        return replace(self, needs=tuple(dict.fromkeys((*self.needs, *needs))))

    def around(self, inner: SolverCard, equivalents: tuple[str, ...] = ()) -> SolverCard:
        """The card of a wrapper that behaves as its ``inner`` solver does: the inner facts under this card's name and source."""
        return replace(
            inner,
            name=self.name,
            title=self.title,
            aliases=(),
            family=self.family,
            source=self.source,
            equivalents=equivalents,
        )

    @property
    def exact_start_order(self) -> float | None:
        """The order with exact history."""
        return self.nominal_order if self.nominal_order is not None else self.order
