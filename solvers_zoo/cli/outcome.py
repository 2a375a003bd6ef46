"""What ``zoo sample`` says of a run: cost, error beside the sampling floor, and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from solvers_zoo.charts.samples import SUFFIXES, View, draw_figure, view
from solvers_zoo.cli import common
from solvers_zoo.cli.words import measured
from solvers_zoo.metrics.report import Clean, Figure, error_report
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.score_models.analytic import AnalyticModel

if TYPE_CHECKING:
    from rich.table import Table

    from solvers_zoo.cli.request import Request
    from solvers_zoo.sampling.result import Result
    from solvers_zoo.score_models.base import ScoreModel

#: Exact samples in a picture: as many as drawn, but enough to show the law and no more than can be seen.
_FEWEST, _MOST = 2000, 50_000


@dataclass(frozen=True)
class Outcome:
    """A finished run with what is known of it."""

    model: ScoreModel
    result: Result
    request: Request
    denoised: bool
    errors: list[Figure]

    @property
    def name(self) -> str:
        """The model as it was asked for."""
        return self.request.model.removeprefix(f"{common.OWN}:")

    @property
    def solver(self) -> str:
        """The solver as it was configured."""
        return self.result.solver.removeprefix(f"{common.OWN}:")

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.result.grid) - 1

    def facts(self) -> dict[str, Any]:
        """Everything as data."""
        result, stats = self.result, self.result.stats
        return {
            "solver": self.solver,
            "model": self.name,
            "sde": str(self.model.sde),
            "grid": result.grid,
            "n": len(result.x),
            "shape": list(result.x.shape[1:]),
            "dtype": str(result.x.dtype).removeprefix("torch."),
            "seed": result.seed,
            "denoised": self.denoised,
            "steps": self.steps,
            "nfe": result.nfe,
            "seconds": stats["seconds"],
            "model_seconds": stats["model_seconds"],
            "solver_seconds": stats["seconds"] - stats["model_seconds"],
            "report": {key: _summary(value) for key, value in stats.items() if key not in _COSTS},
            "errors": [figure._asdict() for figure in self.errors],
            "out": self.request.out,
            "shards": self.request.shards,
        }

    def save(self, path: Path) -> None:
        """Write samples or a picture, as the file's name asks."""
        if path.suffix in SUFFIXES:
            draw_figure(self.view(), path, self.heading(), self.caption())
        else:
            self.result.save(path)

    def heading(self) -> str:
        """What was run."""
        return f"{self.solver} on {self.name}, {_plural(self.steps, 'step')}, NFE {self.result.nfe}"

    def caption(self) -> str:
        """How it was run, and how far it is from the law."""
        words = [str(self.model.sde), _plural(len(self.result.x), "sample"), f"seed {self.result.seed}"]
        words += [f"{f.name} {f.value:.3g} (exact samples {f.floor:.2g})" for f in self.errors if f.name == "sliced W1"]
        return " · ".join(words)

    def view(self) -> View:
        """What there is to see."""
        exact, point = self._exact()
        return view(self.result.x, exact, self.solver, self.model, point)

    def _exact(self) -> tuple[Any, Any]:
        """Exact samples of the law at the run's end, and the point of that law; of analytic models only."""
        if not isinstance(self.model, AnalyticModel):
            return None, None
        point = Clean() if self.denoised else self.model.sde.at(self.result.grid[-1])
        n = min(max(len(self.result.x), _FEWEST), _MOST)
        noise = SeededNoise(self.result.seed, range(n), self.model.shape, torch.float32)
        return self.model.draw(point, noise.data()), point

    # -- on the terminal ---------------------------------------------------------------------------------------------

    def print(self, picture: bool) -> None:
        """Say all of it on stdout."""
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        console, result, stats = common.stdout(), self.result, self.result.stats
        end = " and a last denoise" if self.denoised else ""
        console.print(
            Text.assemble(
                (self.solver, "bold cyan"),
                " on ",
                (self.name, "bold cyan"),
                (
                    f"  {self.model.sde} · {_plural(self.steps, 'step')}{end} from t = {result.grid[0]:.4g} to {result.grid[-1]:.4g}"
                    f" · {_plural(len(result.x), 'sample')} · seed {result.seed}",
                    "dim",
                ),
            ),
            soft_wrap=True,
        )
        rows = Table.grid(padding=(0, 2))
        rows.add_column(style="green", no_wrap=True)
        rows.add_column(overflow="fold")
        rows.add_row("NFE", Text(f"{result.nfe} network evaluations a sample"))
        inside, of = stats["model_seconds"], "" if self.request.shards is None else " of all workers"
        rows.add_row(
            "time",
            Text(
                f"{measured(stats['seconds'])}{of}: model {measured(inside)}, solver {measured(stats['seconds'] - inside)}"
            ),
        )
        for key, value in stats.items():
            if key not in _COSTS:
                rows.add_row(key.replace("_", " "), Text(_say(_summary(value))))
        if self.request.out is not None:
            rows.add_row("saved", Text(str(self.request.out)))
        if self.request.shards is not None:
            rows.add_row("parts", Text(f"kept in {self.request.shards}; more samples take them over"))
        console.print(Padding(rows, (0, 2), expand=False))
        if self.errors:
            console.print(Padding(self._errors_table(), (1, 2, 0, 2), expand=False))
        if picture:
            from solvers_zoo.cli import terminal

            console.print()
            console.print(terminal.picture(self.view(), console), soft_wrap=True, end="")

    def _errors_table(self) -> Table:
        """Every figure beside what exact samples would show."""
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for justify in ("left", "right", "right", "left"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_row("", Text("error", "bold"), Text("exact samples", "bold"), "")
        for figure in self.errors:
            real = figure.z > 3
            verdict = Text(
                f"{figure.z:.3g} sd above chance" if real else "as exact samples",
                "yellow" if real else "green",
            )
            table.add_row(Text(figure.name, "green"), f"{figure.value:.4g}", f"{figure.floor:.4g}", verdict)
        return table


_COSTS = ("seconds", "model_seconds", "calls", "steps", "calls_in_chunk")


def _plural(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _summary(value: Any) -> Any:
    """A solver's figure: a number as it is, one a sample as mean and ends."""
    if not isinstance(value, torch.Tensor):
        return value
    value = value.double()
    return {"mean": float(value.mean()), "min": float(value.min()), "max": float(value.max())}


def _say(figure: Any) -> str:
    if isinstance(figure, dict):
        return f"{figure['mean']:.4g} a sample, from {figure['min']:.4g} to {figure['max']:.4g}"
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:.4g}" if isinstance(figure, float) else str(figure)


def assess(model: ScoreModel, result: Result, request: Request, denoised: bool) -> Outcome:
    """Measure a finished run against the exact law, where that is known."""
    errors = []
    if isinstance(model, AnalyticModel) and len(result.x) > 1:
        point = None if denoised else model.sde.at(result.grid[-1])  # after a denoise, the law of the data themselves
        errors = error_report(model, result.x, point, result.seed)
    return Outcome(model, result, request, denoised, errors)
