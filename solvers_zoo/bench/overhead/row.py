"""Rows of the comparison, and their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Cost(NamedTuple):
    """Microseconds: of the fastest of all runs, and the median of the rounds."""

    fastest: float
    median: float


@dataclass(frozen=True)
class Row:
    """A solver at one shape on one device, beside a peer's implementation or alone.

    Attributes:
        solver: its specification.
        shape: of the whole state, batch first.
        device: ``cpu``, or a GPU's name.
        library: whose implementation it is compared with; empty where it stands alone.
        peer: the library's function or class.
        zoo: microseconds a step above the model's own time.
        other: the peer's.
        one_pass: what one fused pass over the state costs.
        passes: what the method's own arithmetic costs, pass by pass.
        zoo_start: microseconds a run that no step adds to.
        other_start: the peer's.
        target: the largest ratio that is asked for.
        kernels: tensor operations a step, the model's left out.
        host: what makes the host wait for the device in the loop; empty where nothing does.
        note: what else there is to know: why nothing was measured, or how the loop did as a CUDA graph.

    """

    solver: str
    shape: tuple[int, ...]
    device: str = "cpu"
    library: str = ""
    peer: str = ""
    zoo: Cost | None = None
    other: Cost | None = None
    one_pass: float | None = None
    passes: float | None = None
    zoo_start: float | None = None
    other_start: float | None = None
    target: float | None = None
    kernels: float | None = None
    host: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The zoo's cost over the peer's, by the fastest runs."""
        return self.zoo.fastest / self.other.fastest if self.zoo and self.other else None

    @property
    def median_ratio(self) -> float | None:
        """The zoo's cost over the peer's, by medians."""
        return self.zoo.median / self.other.median if self.zoo and self.other else None

    @property
    def holds(self) -> bool | None:
        """Whether the ratio is within its target; None without one."""
        return None if self.ratio is None or self.target is None else self.ratio <= self.target

    def record(self) -> dict[str, Any]:
        """The row as plain values, for JSON and CSV; microseconds."""
        flat: dict[str, Any] = {}
        for key, value in asdict(self).items():
            if key in ("zoo", "other"):
                flat[key], flat[f"{key}_median"] = value or (None, None)
            elif key == "shape":
                flat[key] = shape_name(value)
            else:
                flat[key] = value
        return flat | {"ratio": self.ratio, "median_ratio": self.median_ratio, "holds": self.holds}


HEADINGS = (
    "solver",
    "beside",
    "state",
    "zoo",
    "it",
    "ratio",
    "median",
    "target",
    "one pass",
    "passes",
    "kernels",
    "note",
)


def table(rows: Sequence[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and lines of the rows, as words: microseconds a step above the model, and ratios of the zoo to the other."""
    return HEADINGS, [_line(row) for row in rows]


def _line(row: Row) -> tuple[str, ...]:
    target = "" if row.target is None else f"{row.target:.2f}" + {True: " ok", False: " missed", None: ""}[row.holds]
    host = f"the host waits: {row.host}" if row.host else ""
    return (
        row.solver,
        " ".join(part for part in (row.library, row.peer.removeprefix("sample_")) if part),
        shape_name(row.shape) + ("" if row.device == "cpu" else f" on {row.device}"),
        _figure(row.zoo and row.zoo.fastest),
        _figure(row.other and row.other.fastest),
        _figure(row.ratio, 2),
        _figure(row.median_ratio, 2),
        target,
        _figure(row.one_pass),
        _figure(row.passes),
        _figure(row.kernels),
        "; ".join(part for part in (row.note, host) if part),
    )


def _figure(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def shape_name(shape: Sequence[int]) -> str:
    """A shape as 64x3x32x32."""
    return "x".join(map(str, shape))


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a Markdown table: one a pair, with zoo, peer and ratio at every shape, and the floors at the last."""
    pairs: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        if row.zoo is not None and row.device == "cpu":
            pairs.setdefault((row.solver, row.peer), {})[shape_name(row.shape)] = row
    shapes = dict.fromkeys(name for found in pairs.values() for name in found)
    yield "| zoo | peer |" + "".join(f" {shape}: zoo | peer | ratio |" for shape in shapes) + " one pass | passes |"
    yield "|---|---|" + "---|---|---|" * len(shapes) + "---|---|"
    for (solver, peer), found in pairs.items():
        cells = [_three(found.get(shape)) for shape in shapes]
        last = list(found.values())[-1]
        yield (
            f"| `{solver}` | {f'`{peer}`' if peer else ''} |{''.join(cells)} {_figure(last.one_pass, 0)} |"
            f" {_figure(last.passes, 0)} |"
        )


def _three(row: Row | None) -> str:
    if row is None:
        return " | | |"
    zoo, other = (_figure(cost and cost.fastest, 0) for cost in (row.zoo, row.other))
    return f" {zoo} | {other} | {_figure(row.ratio, 2)} |"
