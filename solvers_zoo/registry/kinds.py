"""The kinds of things that plugins register: the one table that the registry and all commands read."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from solvers_zoo.registry import card

if TYPE_CHECKING:
    from solvers_zoo.registry.options import Configurable


@dataclass(frozen=True)
class Kind:
    """One kind of thing."""

    card: type[card.Card]
    plural: str
    """As ``zoo list`` calls them; the hook of the kind is ``zoo_`` and this word."""
    base: str
    """The class that all of them inherit from, as ``module:Class``; imported when the first is registered."""
    example: str
    """A command that uses one, with ``{}`` for its specification."""
    word: str = ""
    """What messages call one, where that is not its name."""

    @property
    def name(self) -> str:
        """What cards call one."""
        return self.card.kind

    @property
    def hook(self) -> str:
        """The hook by which a plugin gives them."""
        return f"zoo_{self.plural}"

    @property
    def in_words(self) -> str:
        """What messages call one."""
        return self.word or self.name

    def load_base(self) -> type[Configurable]:
        """The class that all of them inherit from."""
        module, name = self.base.split(":")
        found: type[Configurable] = getattr(import_module(module), name)
        return found


#: In the order in which a bare name is looked up.
KINDS = {
    kind.name: kind
    for kind in (
        Kind(card.SolverCard, "solvers", "solvers_zoo.solving.stepping:Solver", "zoo sample --solver {} --steps 10"),
        Kind(card.SDECard, "sdes", "solvers_zoo.processes.base:SDE", "zoo sample --sde {} --steps 10", word="SDE"),
        Kind(
            card.ModelCard, "models", "solvers_zoo.score_models.targets.base:Target", "zoo sample --model {} --steps 10"
        ),
        Kind(
            card.GridCard,
            "grids",
            "solvers_zoo.time_grids.base:GridRule",
            "zoo sample --grid {} --steps 10",
            word="grid rule",
        ),
        Kind(card.MetricCard, "metrics", "solvers_zoo.metrics.base:Metric", "zoo bench --metric {}"),
        Kind(card.ExecutorCard, "executors", "solvers_zoo.executors.base:Executor", "zoo bench --executor {}"),
        Kind(
            card.StudyCard,
            "studies",
            "solvers_zoo.bench.experiment:Experiment",
            "zoo study {} --quick --out figure.html",
        ),
        Kind(
            card.ObjectiveCard,
            "objectives",
            "solvers_zoo.train.objectives.base:Objective",
            "zoo train digits --objective {} --minutes 4",
        ),
        Kind(
            card.NetworkCard,
            "networks",
            "solvers_zoo.train.networks.base:Network",
            "zoo train digits --network {} --minutes 4",
        ),
    )
}
