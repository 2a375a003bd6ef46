"""``zoo edit`` and ``zoo interpolate`` as a user runs them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.image import imread

from solvers_zoo.cli import main


@pytest.fixture
def zoo_(capsys):
    """The command in this process."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        streams = capsys.readouterr()
        return int(end.value.code or 0), streams.out, streams.err

    return run


def arrays(path):
    """What a file of numpy holds; the file is closed."""
    with np.load(path) as file:
        return dict(file)


def test_edit_keeps_or_gives_way(zoo_, tmp_path):
    changes = []
    for strength in (0.1, 0.5):
        out = tmp_path / f"{strength}.npz"
        status, text, errors = zoo_(
            "edit", "--model", "digits-net", "--strength", strength, "--label", 8, "-n", 4, "--out", out, "--json"
        )
        facts, kept = json.loads(text), arrays(out)
        assert (status, errors, facts["from"]) == (0, "", "digits")
        assert kept["x"].shape == kept["given"].shape == (4, 1, 8, 8)
        assert facts["change"] == pytest.approx(float(np.sqrt(((kept["x"] - kept["given"]) ** 2).mean())), rel=1e-5)
        changes.append(facts["change"])
    assert 0.3 > 3 * changes[0] > 0
    assert changes[1] > 3 * changes[0]


def test_pictures(zoo_, tmp_path):
    status, text, _ = zoo_("edit", "--model", "digits-net", "-n", 4, "--steps", 4, "--out", tmp_path / "edited.png")
    assert status == 0
    assert "edited.png" in text
    assert imread(tmp_path / "edited.png").std() > 0.1
    ways = ("interpolate", "--model", "digits-net", "--from", "digits", "--pairs", 3, "--points", 5, "--steps", 6)
    status, text, _ = zoo_(*ways, "--out", tmp_path / "ways.png")
    assert status == 0
    assert "ends come back to" in text
    assert imread(tmp_path / "ways.png").shape[:2] == (6 * (3 * 9 - 1), 6 * (5 * 9 - 1))


def test_ways_are_kept_with_their_codes(zoo_, tmp_path):
    out = tmp_path / "ways.npz"
    status, text, _ = zoo_("interpolate", "--pairs", 2, "--points", 4, "--steps", 30, "--out", out, "--json")
    facts, kept = json.loads(text), arrays(out)
    assert status == 0
    assert kept["x"].shape == (4, 2, 2)
    assert kept["codes"].shape == (2, 2, 2)
    assert 0 < facts["round_trip"] < 0.5


@pytest.mark.parametrize(
    ("words", "way"),
    [
        ("strength = 2", ("edit", "--strength", 2, "-n", 2)),
        ("it can end in .npz, .pt, .png", ("edit", "--out", "a.gif")),
        ("holds no images", ("interpolate", "--out", "a.png")),
        ("--points 1", ("interpolate", "--points", 1)),
        ("--pairs 0", ("interpolate", "--pairs", 0)),
        ("knows no classes", ("interpolate", "--label", 1)),
        ("no data set named", ("edit", "--from", "digit")),
    ],
)
def test_what_is_impossible_ends_in_one_sentence(zoo_, tmp_path, monkeypatch, words, way):
    monkeypatch.chdir(tmp_path)
    status, text, errors = zoo_(*way)
    assert status != 0
    assert text == ""
    assert words in errors
    assert len(errors.splitlines()) == 1
