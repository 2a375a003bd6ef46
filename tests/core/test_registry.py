"""The registry with real installed metadata: every way in which a plugin can be wrong, and that it harms no other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fake_plugins import BROKEN, SOLVER, install, solver

from solvers_zoo import AmbiguousNameError, PluginError, Registry, UnknownNameError, registry


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder on the path into which distributions can be installed; their modules are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    monkeypatch.delenv("ZOO_STRICT", raising=False)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("zoo_"):
            del sys.modules[name]


def loaded() -> Registry:
    found = Registry()
    found.load_entry_points()
    return found


def plugin(found: Registry, dist: str):
    return next(p for p in found.plugins if p.dist == dist)


def test_bundled_plugins_have_no_problems():
    assert [(p.name, p.problems) for p in loaded().plugins if not p.ok] == []


@pytest.mark.parametrize("dist", BROKEN)
def test_broken_plugin_is_a_row_and_harms_nobody(site: Path, dist: str, capsys: pytest.CaptureFixture[str]):
    source, reason = BROKEN[dist]
    install(site, dist, source)
    install(site, "zoo-good", solver("good-one"))
    found = loaded()
    row = plugin(found, dist)
    assert any(reason in problem for problem in row.problems), row.problems
    assert found.find("solver", "good-one").dist == "zoo-good"
    assert plugin(found, "zoo-good").ok
    assert found.find("solver", "solvers-zoo:heun").dist == "solvers-zoo"
    assert capsys.readouterr().out == ""  # what plugins print does not reach stdout


def test_all_broken_plugins_at_once(site: Path):
    for dist, (source, _) in BROKEN.items():
        install(site, dist, source)
    install(site, "zoo-zzz", solver("last-one"))
    found = loaded()
    for dist, (_, reason) in BROKEN.items():
        assert any(reason in problem for problem in plugin(found, dist).problems)
    assert found.find("solver", "last-one")
    assert len(found.entries("solver")) >= 25
    assert "a_library_nobody_has" in plugin(found, "zoo-missing").traceback


def test_things_given_before_a_hook_failed_are_kept(site: Path):
    install(site, "zoo-midway", BROKEN["zoo-midway"][0])
    found = loaded()
    assert found.find("solver", "midway").dist == "zoo-midway"
    assert "KeyError" in plugin(found, "zoo-midway").traceback


def test_clash_is_refused_bare_and_reachable_by_distribution(site: Path):
    install(site, "zoo-clash", solver("heun"))
    found = loaded()
    with pytest.raises(
        AmbiguousNameError, match=r"solvers-zoo:heun or zoo-clash:heun|zoo-clash:heun or solvers-zoo:heun"
    ):
        found.make("solver", "heun")
    assert type(found.make("solver", "zoo-clash:heun")).__module__ == "zoo_clash"
    assert type(found.make("solver", "Zoo_Clash:heun")).__module__ == "zoo_clash"
    assert type(found.make("solver", "solvers-zoo:heun(variable=t)")).__module__.startswith("zoo_runge_kutta")
    assert not plugin(found, "zoo-clash").ok
    owner = next(p for p in found.plugins if p.name == "runge-kutta")
    assert owner.problems == plugin(found, "zoo-clash").problems  # neither is to blame more than the other


def test_alias_that_is_another_ones_name_clashes(site: Path):
    install(site, "zoo-alias", solver("aliased", more=", aliases=('ddim',)"))
    found = loaded()
    with pytest.raises(AmbiguousNameError, match="zoo-alias:ddim"):
        found.find("solver", "ddim")
    assert found.find("solver", "aliased").dist == "zoo-alias"


def test_second_of_one_name_in_one_distribution_is_left_out(site: Path):
    source = solver("twice", "First") + SOLVER.format(name="twice", cls="Second", more="")
    install(site, "zoo-twice", source.replace("return [First]", "return [First, Second]"))
    found = loaded()
    assert found.find("solver", "twice").cls.__name__ == "First"
    assert "already gave" in plugin(found, "zoo-twice").problems[0]


def test_alias_equal_to_the_own_name_is_no_clash(site: Path):
    install(site, "zoo-self", solver("self", more=", aliases=('self', 'self-2')"))
    found = loaded()
    assert plugin(found, "zoo-self").ok
    assert found.find("solver", "self-2") is found.find("solver", "self")


def test_deferred_class_that_cannot_be_imported_is_named_when_used(site: Path):
    source = solver("later").replace("return [Fake]", "return [Deferred(Fake.card, 'zoo_later:Nothing')]")
    install(site, "zoo-later", source.replace("import SolverCard", "import Deferred, SolverCard"))
    found = loaded()
    assert plugin(found, "zoo-later").ok
    with pytest.raises(PluginError, match=r"later of plugin zoo-later .* cannot be loaded from zoo_later:Nothing"):
        found.make("solver", "later")


def test_deferred_class_of_the_wrong_kind(site: Path):
    source = solver("later").replace("return [Fake]", "return [Deferred(Fake.card, 'pathlib:Path')]")
    install(site, "zoo-later", source.replace("import SolverCard", "import Deferred, SolverCard"))
    with pytest.raises(PluginError, match="is no solver"):
        loaded().make("solver", "later")


def test_selection_by_environment(site: Path, monkeypatch: pytest.MonkeyPatch):
    install(site, "zoo-raises", BROKEN["zoo-raises"][0])
    monkeypatch.setenv("ZOO_PLUGINS", "ddpm, catalogue")
    found = loaded()
    assert {p.name for p in found.plugins} == {"ddpm", "catalogue"}
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert loaded().plugins == []
    monkeypatch.setenv("ZOO_PLUGINS", "ddpm,nobody")
    found = loaded()
    assert "nobody" in next(p for p in found.plugins if not p.ok).problems[0]
    assert found.find("solver", "ddim")


@pytest.mark.parametrize("dist", BROKEN)
def test_strict_mode_makes_every_problem_fatal(site: Path, monkeypatch: pytest.MonkeyPatch, dist: str):
    install(site, dist, BROKEN[dist][0])
    monkeypatch.setenv("ZOO_STRICT", "1")
    with pytest.raises(PluginError, match="ZOO_STRICT"):
        loaded()


def test_strict_mode_accepts_the_bundled_plugins(site: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZOO_STRICT", "1")
    assert loaded().entries("solver")


def test_one_off_file_with_hooks_and_without(tmp_path: Path):
    found = Registry()
    hooked = tmp_path / "hooked.py"
    hooked.write_text(solver("hooked"))
    bare = tmp_path / "bare.py"
    bare.write_text(SOLVER.format(name="bare-one", cls="Bare", more=""))
    assert found.load_file(hooked).ok
    assert found.load_file(bare).ok
    assert found.make("solver", "hooked").spec_name() == "hooked"
    assert found.make("solver", "bare.py:bare-one").spec_name() == "bare-one"


@pytest.mark.parametrize(
    ("source", "reason"),
    [(None, "there is no file"), ("1/0", "ZeroDivisionError"), ("x = 1", "holds no class that carries a card")],
)
def test_one_off_file_that_will_not_do(tmp_path: Path, source: str | None, reason: str):
    path = tmp_path / "oneoff.py"
    if source is not None:
        path.write_text(source)
    row = Registry().load_file(path)
    assert reason in row.problems[0]


def test_two_files_of_one_name_are_two_plugins(tmp_path: Path):
    found = Registry()
    for folder, name in (("a", "one"), ("b", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(solver(name))
        assert found.load_file(tmp_path / folder / "mine.py").ok
    assert found.names("solver") == ["one", "two"]


def test_unknown_names_suggest_near_ones():
    with pytest.raises(UnknownNameError, match=r"no solver named 'huen'. Did you mean 'heun'.*`zoo list` shows all"):
        registry.default().find("solver", "huen")
    with pytest.raises(UnknownNameError, match=r"no SDE named 'eddm'. Did you mean 'edm'.*`zoo list sdes` shows all"):
        registry.default().find("sde", "eddm")
