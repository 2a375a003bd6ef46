"""What a study is: an experiment with a card, whose `run` measures rows and whose `checks` say what the rows must show.

    class PriorError(Experiment):
        card = StudyCard(name="prior-error", title="Error of the prior", claim="It falls like exp(-T).", source=..., seconds=20, quick_seconds=2)
        T: float = option(8.0, help="end of the forward process", above=0.0)

        def run(self, progress=silent, quick=False):
            rows = [{"T": T, "tv": ...} for T in track(range(1, 9), progress)]
            return self.judge(rows, {"prior": lambda: lines(rows, ...)})

        def checks(self, rows):
            yield Check("slope", "TV falls like exp(-T)", slope(column(rows, "T"), column(rows, "tv")), -1.05, -0.95)

``checks`` sees nothing but rows, so a test can give it wrong ones and see a check fail. Heavy imports stand inside functions:
``zoo study list`` loads neither torch nor a library of charts.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from solvers_zoo.registry.card import StudyCard
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from altair.typing import ChartType

    #: Name -> function that draws the chart.
    Charts = Mapping[str, Callable[[], ChartType]]

T = TypeVar("T")

#: Called with (done, in all) as an experiment proceeds.
Progress = Callable[[int, int], None]
#: One observation: names to numbers or words, all of them plain.
Row = dict[str, Any]
#: The observations of an experiment, or some of them.
Rows = Sequence[Row]


def silent(done: int, total: int) -> None:
    """Progress that nobody sees."""


@dataclass(frozen=True)
class Check:
    """An acceptance figure: what was measured, and between which bounds it was to lie, both included."""

    name: str
    claim: str
    """One sentence that ``value`` in [``low``, ``high``] would confirm."""
    value: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def holds(self) -> bool:
        """Whether the value lies between its bounds; NaN does not."""
        return self.low <= self.value <= self.high

    @property
    def wanted(self) -> str:
        """The bounds in words."""
        if math.isinf(self.low):
            return f"<= {self.high:.4g}"
        return f">= {self.low:.4g}" if math.isinf(self.high) else f"{self.low:.4g} to {self.high:.4g}"


@dataclass(frozen=True)
class Findings:
    """The results of an experiment."""

    rows: Rows
    """The data, one flat observation each."""
    checks: Sequence[Check]
    """Every claim with the value that was measured."""
    charts: Charts = field(default_factory=dict)
    """Name -> function that draws an Altair chart; the first is the figure of the experiment."""
    notes: Sequence[str] = ()
    """Remarks for the reader of the figures, a sentence or two each."""

    @property
    def holds(self) -> bool:
        """Whether every check does."""
        return all(check.holds for check in self.checks)


#: The claims of an experiment, one after another.
Checks = Iterable[Check]


class Experiment(Configurable):
    """An experiment that can be repeated. Its fields are its options."""

    card: ClassVar[StudyCard]

    @abstractmethod
    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Measure, and judge what was measured.

        Args:
            progress: called with (done, in all).
            quick: run a smaller form, in the seconds that the card names.

        Raises:
            ZooError: the experiment is not possible with these options.

        """

    def checks(self, rows: Rows) -> Checks:
        """The claims, each with its value from the rows of any run."""
        return ()

    def judge(self, rows: Rows, charts: Charts | None = None, notes: Sequence[str] = ()) -> Findings:
        """The findings that follow from rows."""
        return Findings(rows, [*self.checks(rows)], charts or {}, notes)


def track(items: Sequence[T], progress: Progress) -> Iterator[T]:
    """The items one by one, telling ``progress`` as each is done with."""
    for index, item in enumerate(items):
        progress(index, len(items))
        yield item
    progress(len(items), len(items))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Least-squares slope of log y against log x: the order p of y ~ x^p. NaN for fewer than two different x, or a value not above 0."""
    if len(set(x)) < 2 or not all(value > 0 for value in (*x, *y)):
        return math.nan
    u, v = ([math.log(value) for value in values] for values in (x, y))
    middle_u, middle_v = (sum(values) / len(values) for values in (u, v))
    above = sum((a - middle_u) * (b - middle_v) for a, b in zip(u, v, strict=True))
    return above / sum((a - middle_u) ** 2 for a in u)


def where(rows: Iterable[Row], **fields: object) -> list[Row]:
    """The rows that have all of these fields with these values."""
    return [row for row in rows if all(name in row and row[name] == value for name, value in fields.items())]


def column(rows: Iterable[Row], name: str, **fields: object) -> list[Any]:
    """The values of a column in the rows that have all of these fields with these values."""
    return [row[name] for row in where(rows, **fields)]


def slope_of(rows: Iterable[Row], x: str, y: str, **fields: object) -> float:
    """The `slope` of one column over another, in the rows that have all of these fields with these values."""
    seen = where(rows, **fields)
    return slope(column(seen, x), column(seen, y))


def ratios(rows: Iterable[Row], above: str, below: str, **fields: object) -> list[float]:
    """One column over another, in the rows that have all of these fields with these values."""
    return [row[above] / row[below] for row in where(rows, **fields)]


def table(text: str) -> dict[str, tuple[float, ...]]:
    """A table as it is printed, a name and its numbers on every line: name -> numbers."""
    lines = (line.split() for line in text.strip().splitlines())
    return {name: tuple(map(float, numbers)) for name, *numbers in lines}


def only(rows: Iterable[Row], **fields: object) -> Row:
    """The one row that has all of these fields with these values."""
    (row,) = where(rows, **fields)
    return row
