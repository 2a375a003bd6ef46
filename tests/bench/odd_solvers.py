"""Solvers for sweeps, as a plugin file: one that leaves a trace of every run, and three that go wrong, each in its way."""

import os
import time

from solvers_zoo import SolverCard, Source, Step, StepSolver

SOURCE = Source(authors="nobody", title="nothing", where="here")


class Traced(StepSolver):
    """DDIM's step; adds a line to the file that ZOO_TRACE names when a run begins."""

    card = SolverCard(name="traced", title="Traced", family="odd", order=1, source=SOURCE)

    def plan(self, grid):
        if path := os.environ.get("ZOO_TRACE"):
            with open(path, "a", buffering=1) as file:
                file.write(f"{os.getpid()} {grid.steps} {grid[0].t}\n")
        return super().plan(grid)

    def step(self, model, x, interval, memory, noise):
        return Step(model(x, interval.t).mix(interval.s.alpha, interval.s.sigma))


class Raises(StepSolver):
    """Raises what no solver should."""

    card = SolverCard(name="raises", title="Raises", family="odd", order=1, source=SOURCE)

    def step(self, model, x, interval, memory, noise):
        raise ZeroDivisionError("nothing </script> to divide by")


class GivesNaN(StepSolver):
    """Gives values that are not numbers."""

    card = SolverCard(name="gives-nan", title="Gives NaN", family="odd", order=1, source=SOURCE)

    def step(self, model, x, interval, memory, noise):
        return Step(model(x, interval.t).x0 * float("nan"))


class Hangs(StepSolver):
    """Takes an hour a step."""

    card = SolverCard(name="hangs", title="Hangs", family="odd", order=1, source=SOURCE)

    def step(self, model, x, interval, memory, noise):
        time.sleep(3600)
        return Step(x)
