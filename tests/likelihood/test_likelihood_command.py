"""``zoo likelihood`` as a user runs it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from solvers_zoo.cli import main


@pytest.fixture
def zoo_(capsys):
    """The command in this process."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["likelihood", *map(str, arguments)])
        streams = capsys.readouterr()
        return int(end.value.code or 0), streams.out, streams.err

    return run


def test_of_a_known_law_it_says_the_exact_value_too(zoo_, tmp_path):
    out = tmp_path / "seen.npz"
    status, text, errors = zoo_("--model", "mixture-1d", "--steps", 24, "-n", 12, "--bound", "--json", "--out", out)
    facts = json.loads(text)
    assert (status, errors) == (0, "")
    assert (facts["n"], facts["dim"], facts["trace"], facts["data"]) == (12, 1, "exact", "exact samples of the model")
    assert facts["largest_difference"] < 0.03
    assert facts["log_p"] == pytest.approx(facts["exact"], abs=0.01)
    assert facts["bits"] == pytest.approx(-facts["log_p"] / math.log(2))
    assert facts["bound_bits"] == pytest.approx(facts["bound"] / math.log(2))
    assert abs(facts["bound"] + facts["log_p"]) < 5 * facts["bound_error"]
    with np.load(out) as file:
        columns = dict(file)
    assert columns["log_p"].shape == columns["bound"].shape == (12,)
    assert columns["log_p"].mean() == pytest.approx(facts["log_p"])
    assert np.abs(columns["log_p"] - columns["exact"]).max() == pytest.approx(facts["largest_difference"])


def test_of_a_network_in_bits_on_the_levels_of_its_data(zoo_):
    way = ("--model", "digits-net", "--bits", "--bound", "--steps", 3, "-n", 6, "--solver", "heun", "--probes", 2)
    status, text, errors = zoo_(*way, "--json")
    facts = json.loads(text)
    assert (status, errors) == (0, "")
    assert (facts["data"], facts["levels"], facts["trace"], facts["dim"]) == ("digits", 17, "hutchinson", 64)
    assert facts["trace_error"] > 0
    assert facts["bits"] == pytest.approx(-facts["log_p"] / (64 * math.log(2)) + 3)
    assert 1 < facts["bound_bits"] < math.log2(17)
    own = json.loads(zoo_(*way, "--own-labels", "--json")[1])
    assert own["bound"] != facts["bound"]
    _, text, _ = zoo_(*way, "--label", 3)
    for words in ("digits-net", "by the trace", "by the steps", "17 levels", "bits at most", "±"):
        assert words in text


@pytest.mark.parametrize(
    ("words", "way"),
    [
        ("--levels is for --bits", ("--levels", 3)),
        ("it can end in .npz, .pt", ("--out", "a.csv")),
        ("-n 0 is not possible", ("-n", 0)),
        ("not on evenly spaced levels", ("--bits", "-n", 4)),
        ("knows no classes", ("--label", 1)),
        ("--label 10 is not possible", ("--model", "digits-net", "--label", 10)),
        ("not both", ("--model", "digits-net", "--label", 1, "--own-labels")),
        ("holds 1,797 samples", ("--data", "digits", "-n", 1798)),
        ("stochastic", ("--solver", "ddpm", "-n", 2)),
        ("samples of (2,)", ("--data", "digits")),
    ],
)
def test_what_is_impossible_ends_in_one_sentence(zoo_, words, way):
    status, text, errors = zoo_(*way)
    assert status != 0
    assert text == ""
    assert words in errors
    assert len(errors.splitlines()) == 1
