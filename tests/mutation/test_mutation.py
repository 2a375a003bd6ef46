"""The kit catches at least 95 % of generic mutants of the bundled solvers; a sample of them here, drawn by the tree.

All of them: ``python -m solvers_zoo.testing.mutation``.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from draw import tree_hash
from scipy.stats import binom

from solvers_zoo import registry
from solvers_zoo.testing.mutation import run
from solvers_zoo.testing.mutation.mutants import mutants, sample
from solvers_zoo.testing.mutation.run import all_mutants, examine, examine_all, plugin_packages
from solvers_zoo.testing.mutation.tally import Tally, Verdict

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


@pytest.mark.timeout(
    1200
)  # an endless mutant costs up to three minutes of computing, on a busy machine more of waiting
def test_a_sample_of_the_mutants_is_killed(record_property):
    """The sample is the tree's own, so it may have survivors; it must not tell against a share of 95 %."""
    assert set(QUICK) <= set(plugin_packages())
    found = all_mutants(QUICK)
    assert len(found) > 1000
    tally = Tally(list(examine_all(sample(found, 16, seed=tree_hash()), jobs=2)))
    for verdict in tally.survivors:
        record_property("told", f"a mutant survived: {verdict.mutant} [{verdict.by}]")
    assert tally.interval(0.98)[1] >= 0.95, str(tally)
    assert tally.count("killed") >= 8, str(tally)


def test_the_interval_is_the_exact_binomial_one():
    """A share is in it unless it would give as few, or as many, with a chance of less than half of what is left."""
    mutant = mutants("test", Path(__file__))[0]
    for killed, survived in ((20, 0), (19, 1), (15, 5), (0, 3)):
        tally = Tally([Verdict(mutant, "killed")] * killed + [Verdict(mutant, "survived")] * survived)
        low, high = tally.interval(0.9)
        number = killed + survived
        assert binom.sf(killed - 1, number, low) == pytest.approx(0.05 if killed else 1.0)
        assert binom.cdf(killed, number, high) == pytest.approx(0.05 if survived else 1.0)


def test_an_endless_mutant_is_killed_and_the_next_is_examined(monkeypatch):
    first = all_mutants(["zoo_ddpm"])[0]
    in_python = replace(first, source="while True:\n    pass\n")
    in_one_call = replace(first, source="sum(range(10**12))\n")
    same = replace(first, source=first.path.read_text() + "\nUNUSED = 1\n")
    monkeypatch.setattr(run, "examine", briefly)
    verdicts = list(examine_all([in_python, in_one_call, same], jobs=1))
    assert [verdict.outcome for verdict in verdicts] == ["killed", "killed", "equivalent"]
    assert [verdict.by for verdict in verdicts] == ["does not end", "ends its process", ""]


def briefly(mutant):
    """`examine` with less patience, where it is examined."""
    run._PATIENCE = 2
    return examine(mutant)


def test_an_examination_leaves_the_loaded_modules_as_they_were():
    before = all_mutants(["zoo_ddpm"])[0]
    ddim = registry.default().find("solver", "ddim").cls
    examine(before)
    assert inspect.getsourcefile(ddim) == sys.modules[ddim.__module__].__file__
    assert sys.modules[ddim.__module__].DDIM is ddim
