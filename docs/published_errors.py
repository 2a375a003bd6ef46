r"""Errors in published methods and code, measured beside the fixed method.

    python docs/published_errors.py

Each case is run on the probability flow of the 2-D mixture of the conformance kit (EDM, sigma 2 to 0.05, Karras grid, float64,
exact reference), with exact history where the method has one. ``docs/published-errors.md`` explains them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from zoo_multistep.adams import LMS3, LMS4, Adams
from zoo_multistep.unipc import UniPC

from solvers_zoo import SolverCard, solver
from solvers_zoo.numerics import phi
from solvers_zoo.testing.check_order import exactly_started
from solvers_zoo.testing.problems import mixture_2d
from solvers_zoo.testing.subject import Subject

#: Steps of the table; the slope is that of the last doubling.
STEPS = (8, 16, 32, 64, 128, 256)


class IPNDMV3(Adams):
    r"""iPNDM_v with three points as in diff-sampler: (1 - a b)/2 in its third coefficient stands for (1 - a) b/2."""

    card = LMS3.card

    def weights(self, nodes: Sequence[Any], s: Any, sde: Any) -> Sequence[Any]:
        """As published."""
        if len(nodes) < 3:
            return super().weights(nodes, s, sde)
        h, h_1, h_2 = _lengths(nodes, s)
        third = (1 - h / (3 * (h + h_1)) * (h * (h + h_1)) / (h_1 * (h_1 + h_2))) / 2
        b = (-h / (2 * h_1) - (1 + h_1 / h_2) * third, third * h_1 / h_2)
        return [s.alpha * h * b_j for b_j in b]


class IPNDMV4(Adams):
    r"""iPNDM_v with four points as in diff-sampler: the same slip, and another in the fourth coefficient.

    The weights no longer sum to 1 on uneven steps, so the method is not consistent there. What is missing of 1 is put on the
    newest prediction here, as DDIM's step holds it: the published method is worse than this one.
    """

    card = LMS4.card

    def weights(self, nodes: Sequence[Any], s: Any, sde: Any) -> Sequence[Any]:
        """As published."""
        if len(nodes) < 4:
            return super().weights(nodes, s, sde)
        h, h_1, h_2, h_3 = _lengths(nodes, s)
        c = h_1 * (h_1 + h_2) / (h_2 * (h_2 + h_3))
        third = (1 - h / (3 * (h + h_1)) * (h * (h + h_1)) / (h_1 * (h_1 + h_2))) / 2
        fourth = (1 - h / (3 * (h + h_1))) / 2 + (1 - h / (2 * (h + h_1))) * h / (6 * (h + h_1 + h_2))
        fourth *= h * (h + h_1) * (h + h_1 + h_2) / (h_1 * (h_1 + h_2) * (h_1 + h_2 + h_3))
        b = (
            -h / (2 * h_1) - (1 + h_1 / h_2) * third - (1 + h_1 / h_2 + c) * fourth,
            third * h_1 / h_2 + (h_1 / h_2 + c * (1 + h_2 / h_3)) * fourth,
            -fourth * c * h_1 / h_2,
        )
        return [s.alpha * h * b_j for b_j in b]


def _lengths(nodes: Sequence[Any], s: Any) -> list[float]:
    """Lengths of the step and of those before it, in rho."""
    rho = [s.rho, *(node.rho for node in nodes)]
    return [a - b for a, b in pairwise(rho)]


class UniPCVary(UniPC):
    r"""UniPC with varying coefficients as in its authors' code.

    The corrector is -alpha sum_k h phi_(k+1) sum_j A_kj d_j over K points, the new one the last. The code leaves the new point out
    of the first K - 1 rows, and in the last takes A_(K-1)K phi_(K+1) for it alone. At K = 1 that is right.
    """

    def correction(self, nodes: Sequence[Any], used: int, sde: Any) -> Sequence[Any]:
        """As published."""
        if used == 0:
            return super().correction(nodes, used, sde)
        end, start, *older = nodes
        h = end.lam - start.lam
        r = [(node.lam - start.lam) / h for node in older[:used]] + [1.0]
        K = len(r)
        A = _inverse([[r_j**k / math.factorial(k + 1) for k in range(K)] for r_j in r])
        gain = [end.alpha * h * phi(k + 2, -h) for k in range(K)]  # -alpha h phi_(k+1)(hh) of the code, with hh = -h
        weights = [sum(gain[k] * A[k][j] for k in range(K - 1)) / r[j] for j in range(K - 1)]
        new = gain[K - 1] * A[K - 2][K - 1]
        predicted = self.inside(start, end, older[:used])
        gained = [c - p for c, p in zip(weights, predicted, strict=True)]
        return [-new - sum(gained), *gained]


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """The inverse of a small matrix, by elimination; those of distinct points need no pivoting."""
    n = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    for i in range(n):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(n):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[n:] for row in rows]


class Case(NamedTuple):
    """A published method and the fixed one."""

    title: str
    published: Any
    fixed: Any
    start: str = "exact"
    """``exact`` history, or a start as ``shipped``."""
    rule: str = "log"


def cases() -> list[Case]:
    """All that are measured; what the registry holds under two names is taken from there."""
    return [
        Case("DPM-Solver++(3M)", solver("dpmpp-3m-published"), solver("dpmpp-3m")),
        Case("DPM-Solver(3M), eps", solver("dpm-solver-3m-published"), solver("dpm-solver-3m")),
        Case("iPNDM_v, 3 points", IPNDMV3(), LMS3(), rule="uneven"),
        Case("iPNDM_v, 4 points", IPNDMV4(), LMS4(), rule="uneven"),
        Case("UniPC-2, varying coefficients", UniPCVary(order=2, b="vary"), UniPC(order=2, b="vary"), "shipped"),
        Case("UniPC-3, varying coefficients", UniPCVary(order=3, b="vary"), UniPC(order=3, b="vary"), "shipped"),
        Case("Heun++ (heunpp2)", solver("heunpp2-published"), solver("heunpp2"), "shipped"),
        Case("ER-SDE-3 without noise", solver("er-sde-3-published(scale=ode)"), solver("er-sde-3(scale=ode)")),
        Case("DPM++ 3M SDE at eta = 0", solver("dpmpp-3m-sde-published(eta=0)"), solver("dpmpp-3m-sde(eta=0)")),
        Case(
            "SA-Solver, state that is returned",
            Early(solver("sa-solver(tau=0)")),
            solver("sa-solver(tau=0)"),
            "shipped",
        ),
    ]


class Early:
    """A solver whose last step is lost: the state before it is returned, as by sample_sa_solver of ComfyUI."""

    def __init__(self, base: Any) -> None:
        self.base = base

    def facts(self) -> SolverCard:
        """Those of the base."""
        card: SolverCard = self.base.facts()
        return card

    def supports(self, sde: Any, grid: Any = None) -> str | None:
        """As the base."""
        reason: str | None = self.base.supports(sde, grid)
        return reason

    def solve(self, model: Any, x: Any, grid: Any, noise: Any, state: Any = None) -> Any:
        """All states but the last."""
        states = list(self.base.solve(model, x, grid, noise, state))
        return iter(states[:-1])


def errors(method: Any, start: str, rule: str) -> list[float]:
    """Root mean square errors at each of `STEPS`."""
    problem, subject = mixture_2d(), Subject(method)
    run: Callable[[int], Any] = lambda steps: (  # noqa: E731
        subject.run(problem.model, problem.x, problem.grid(steps, rule))
        if start == "shipped"
        else exactly_started(subject, problem, steps, rule)
    )
    return [problem.error(run(steps)) for steps in STEPS]


def slope(values: Sequence[float]) -> float:
    """Order shown by the last doubling."""
    return math.log2(values[-2] / values[-1])


def main() -> None:
    """Print the table."""
    head = ["method", "variant", *(f"N = {steps}" for steps in STEPS), "order"]
    lines = [head, ["---"] * len(head)]
    for case in cases():
        for word, method in (("published", case.published), ("fixed", case.fixed)):
            values = errors(method, case.start, case.rule)
            lines.append([case.title, word, *(f"{e:.1e}" for e in values), f"{slope(values):.2f}"])
    sys.stdout.write("".join(f"| {' | '.join(line)} |\n" for line in lines))


if __name__ == "__main__":
    main()
