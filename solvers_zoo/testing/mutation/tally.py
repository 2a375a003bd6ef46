"""Verdicts on mutants, counted, and what a sample of them says of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.stats import beta

from solvers_zoo.testing.mutation.mutants import Mutant


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        mutant: which.
        outcome: ``killed``, ``survived`` or ``equivalent``.
        by: the check that failed, and on which solver.

    """

    mutant: Mutant
    outcome: Literal["killed", "survived", "equivalent"]
    by: str = ""


@dataclass(frozen=True)
class Tally:
    """Verdicts, counted."""

    verdicts: Sequence[Verdict]

    def count(self, outcome: str, package: str | None = None) -> int:
        """How many verdicts of an outcome."""
        return sum(v.outcome == outcome and package in (None, v.mutant.module.partition(".")[0]) for v in self.verdicts)

    @property
    def survivors(self) -> list[Verdict]:
        """The verdicts ``survived``."""
        return [verdict for verdict in self.verdicts if verdict.outcome == "survived"]

    def score(self, package: str | None = None) -> float:
        """Killed over killed and survived; equivalent ones are not counted."""
        killed, survived = self.count("killed", package), self.count("survived", package)
        return killed / (killed + survived) if killed + survived else 1.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The binomial interval (Clopper and Pearson's, which is exact) for the share that is killed of all mutants."""
        killed, survived, tail = self.count("killed"), self.count("survived"), (1 - confidence) / 2
        low = float(beta.ppf(tail, killed, survived + 1)) if killed else 0.0
        return low, float(beta.ppf(1 - tail, killed + 1, survived)) if survived else 1.0

    def __str__(self) -> str:
        packages = sorted({verdict.mutant.module.partition(".")[0] for verdict in self.verdicts})
        lines = [f"{'plugin':<26}{'mutants':>9}{'equivalent':>12}{'killed':>9}{'survived':>10}{'score':>9}"]
        for package in [*packages, None]:
            killed, survived, equal = (self.count(outcome, package) for outcome in ("killed", "survived", "equivalent"))
            lines.append(
                f"{package or 'all':<26}{killed + survived + equal:>9}{equal:>12}{killed:>9}{survived:>10}"
                f"{self.score(package):>9.1%}"
            )
        low, high = self.interval()
        lines += ["", f"Of all mutants that differ, {low:.1%} to {high:.1%} are killed (95 % binomial interval)."]
        by = Counter(verdict.by.split(" (")[0] for verdict in self.verdicts if verdict.outcome == "killed")
        lines += ["", "killed by: " + ", ".join(f"{check} {count}" for check, count in by.most_common())]
        lines += ["", *(f"survived: {verdict.mutant} [{verdict.by}]" for verdict in self.survivors)]
        return "\n".join(lines)
