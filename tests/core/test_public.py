"""Names that left the flat list of `solvers_zoo`: they answer for one version, with a warning that says where they live."""

from __future__ import annotations

from importlib import import_module

import pytest

import solvers_zoo as zoo
from solvers_zoo.registry.public import HOME_OF, LEFT_FOR
from solvers_zoo.registry.source_hash import hash_of


def test_flat_list_is_what_a_person_types():
    assert len(LEFT_FOR) >= 30
    assert not set(LEFT_FOR) & {*HOME_OF, *zoo.__all__, *dir(zoo)}


@pytest.mark.parametrize("name", sorted(LEFT_FOR))
def test_names_that_left_say_where_they_live(name: str):
    home = f"solvers_zoo.{LEFT_FOR[name]}"
    with pytest.warns(DeprecationWarning, match=f"solvers_zoo.{name} is now {home}.{name}; the next version") as seen:
        thing = getattr(zoo, name)
    assert thing is getattr(import_module(home), name)
    assert seen[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="is now"):
        getattr(zoo, name)  # every use of it says so, not the first alone


def test_source_of_a_name_that_left_is_found(tmp_path, monkeypatch):
    """A plugin that was written before is computed anew when what it uses changes, however it imports that."""
    lines = (
        "from solvers_zoo import Stage",
        "from solvers_zoo.solving import Stage",
        "import solvers_zoo.solving.stages",
    )
    for i, line in enumerate(lines):
        (tmp_path / f"source_{i}.py").write_text(line)
    monkeypatch.syspath_prepend(tmp_path)
    from solvers_zoo.registry.source_hash import _closure

    assert all("solvers_zoo.solving.stages" in _closure(f"source_{i}") for i in range(len(lines)))
    assert hash_of("source_0") != hash_of("solvers_zoo.solving.stages")
