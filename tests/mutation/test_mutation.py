"""The kit catches at least 95 % of generic mutants of the bundled solvers; a fixed sample of them here.

All of them: ``python -m solvers_zoo.testing.mutation.run``.
"""

from __future__ import annotations

from pathlib import Path

from solvers_zoo.testing.mutation.mutants import mutants
from solvers_zoo.testing.mutation.run import Tally, all_mutants, examine, examine_all, plugin_packages, sample

SOURCE = '''
from solvers_zoo import Step, combine, expm1


class TwoStep:
    """D + h: text is left alone."""

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        h = s.lam - t.lam
        now = model(x, t).x0
        D = now if memory is None else (1 + h / 2) * now
        return Step(combine((s.sigma / t.sigma, x), (-s.alpha * expm1(-h), D)))
'''


def test_the_operators_make_the_defects_of_the_field(tmp_path):
    path = tmp_path / "two_step.py"
    path.write_text(SOURCE)
    made = {f"{m.before} -> {m.after}" for m in mutants("two_step", path)}
    for change in (
        "s.lam - t.lam -> s.lam + t.lam",
        "1 + h / 2 -> 1 - h / 2",
        "1 + h / 2 -> 1",
        "2 -> 3",
        "t -> s",
        "s.alpha -> s.sigma",
        "-h -> h",
        "memory is None -> memory is not None",
        "memory is None -> False",
        "model(x, t).x0 -> model(x, t).eps",
        "interval.t -> interval.s",
        "s.lam -> -s.lam",
        "s.lam - t.lam -> 2 * (s.lam - t.lam)",
    ):
        assert change in made, f"no mutant {change!r} among {sorted(made)}"
    assert not any("text" in change or "import" in change for change in made)


def test_every_mutant_is_another_program(tmp_path):
    path = tmp_path / "two_step.py"
    path.write_text(SOURCE)
    found = mutants("two_step", path)
    assert len({m.source for m in found}) == len(found)
    for mutant in found:
        compile(mutant.source, str(path), "exec")
        assert mutant.source != SOURCE


def test_a_mutant_is_killed_and_an_equivalent_one_told_apart():
    found = all_mutants(["zoo_ddpm"])
    sign = next(m for m in found if m.path.name == "ddpm.py" and m.before == "s.lam - t.lam" and "+" in m.after)
    assert examine(sign).outcome == "killed"
    same = sign.__class__(**{**vars(sign), "source": Path(sign.path).read_text() + "\nUNUSED = 1\n"})
    assert examine(same).outcome == "equivalent"


#: Plugins whose runs are quick; docs/measured.md has the figures of the others, which the command measures.
QUICK = (
    "zoo_ddpm",
    "zoo_dpm",
    "zoo_langevin",
    "zoo_multistep",
    "zoo_predictor_corrector",
    "zoo_runge_kutta",
    "zoo_sde",
)


def test_a_fixed_sample_of_all_mutants_is_killed():
    """Seed 0 has one that computes for minutes before it can be interrupted."""
    assert set(QUICK) <= set(plugin_packages())
    found = all_mutants(QUICK)
    assert len(found) > 1000
    tally = Tally(list(examine_all(sample(found, 24, seed=1), jobs=2)))
    assert tally.score() >= 0.95, str(tally)
