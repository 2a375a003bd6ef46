"""The kit in a third party's hands: two lines in a test module, or one option of pytest."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import solvers_zoo as zoo
from solvers_zoo.testing import CHECKS, conform, conformance, solvers_in

PLUGIN = '''
from solvers_zoo import SolverCard, Source, Step, StepSolver


class Nudge(StepSolver):
    """The DDIM step: x_s = alpha_s x0 + sigma_s eps."""

    card = SolverCard(name="nudge", title="Nudge", family="own", order={order},
                      source=Source(authors="A 2026", title="T", where="eq. (1)", link="https://example.org"))

    def step(self, model, x, interval, memory, noise):
        return Step(model(x, interval.t).mix(interval.s.alpha, interval.s.sigma))
'''


@pytest.fixture
def plugin(tmp_path):
    def write(order):
        path = tmp_path / "nudge.py"
        path.write_text(PLUGIN.replace("{order}", str(order)))
        return path

    return write


def run(folder, *arguments):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_the_option_collects_every_check_of_a_file(plugin, tmp_path):
    done = run(tmp_path, "--zoo-solver", str(plugin(1)), "--zoo-quick")
    assert done.returncode == 0, done.stdout + done.stderr
    for check in CHECKS:
        assert f"nudge[{check.name}]" in done.stdout or "SKIPPED" in done.stdout
    assert "PASSED" in done.stdout


def test_the_option_fails_where_a_claim_is_false(plugin, tmp_path):
    done = run(tmp_path, "--zoo-solver", str(plugin(2)))
    assert done.returncode == 1
    assert "nudge[order-mixture]" in done.stdout
    assert "the card says 2" in done.stdout


def test_an_unknown_solver_is_a_usage_error(tmp_path):
    done = run(tmp_path, "--zoo-solver", "huen")
    assert done.returncode == 4
    assert "Did you mean 'heun'" in done.stderr


def test_two_lines_make_a_test(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent("""
        from solvers_zoo.testing import conformance
        test_conformance = conformance("ddim", quick=True, checks=["card", "evaluations", "drift-only"])
        """)
    )
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "2 passed, 1 skipped" in done.stdout


def test_importing_the_plugin_imports_no_torch():
    code = "import sys, solvers_zoo.testing.pytest_plugin; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_conformance_takes_names_specifications_classes_objects_and_files(plugin):
    (cls,) = solvers_in(plugin(1))
    test = conformance("ddim", "ddim:eta=0.5", cls, zoo.solver("euler"), plugin(1), checks=["card"])
    ids = [case.id for case in test.pytestmark[0].args[1]]
    assert ids == ["ddim-card", "ddim:eta=0.5-card", "nudge-card", "euler-card", "nudge-card"]


def test_a_report_is_a_list_of_findings():
    report = conform("ddim", checks=["card", "seed"])
    assert [finding.check for finding in report] == ["card", "seed", "seed", "seed"]
    assert {finding.solver for finding in report} == {"ddim", "ddim(eta=0.5)", "ddim(eta=1.0)"}
    assert report.ok
    assert report.failures == []
    assert "ddim(eta=0.5)" in str(report)
    assert conform("ddim:eta=0.5", checks=["seed"])[0].message.startswith("same seed, same bits")


def test_an_unknown_check_names_near_ones():
    with pytest.raises(zoo.UnknownNameError, match="order-mixture"):
        conform("ddim", checks=["order-mixtur"])
