"""Options and the grammar of specifications: what is read, what is refused, and that text and object are one."""

from __future__ import annotations

import math
import pickle
import types

import pytest
from bundled_sdes import SDES
from hypothesis import given, settings
from hypothesis import strategies as st

import solvers_zoo as zoo
from solvers_zoo.registry.spec import Spec, is_bare, parse, split_list

SOURCE = zoo.Source(authors="-", title="-", where="-")


class Nowhere(zoo.GridRule):
    """What the two below need to be registered as grid rules."""

    def times(self, sde, steps):
        return [sde.t_max, sde.t_min]


class Sample(Nowhere):
    """One option of every kind."""

    card = zoo.GridCard(name="sample", title="-", formula="-", source=SOURCE)
    rate: float = zoo.option(0.5, help="a number", low=0.0, high=2.0)
    width: float = zoo.option(1.0, help="an open bound", above=0.0)
    count: int = zoo.option(3, help="a whole number", low=1)
    flag: bool = zoo.option(False, help="yes or no")
    word: str = zoo.option("plain", help="a word")
    mode: str = zoo.option("a", help="a choice", choices=("a", "b"))
    maybe: float | None = zoo.option(None, help="a number or nothing", kind="float")
    many: tuple[float, ...] = zoo.option((1.0, 2.0), help="numbers", kind="floats", low=-5.0)
    counts: tuple[int, ...] = zoo.option((4, 8), help="counts", kind="ints", low=1)


class Wrapper(Nowhere):
    """An option that holds a solver, one that holds a process, and one that is required."""

    card = zoo.GridCard(name="wrapper", title="-", formula="-", source=SOURCE)
    inner: object = zoo.option(help="a solver", kind="solver")
    sde: object = zoo.option(None, help="a process", kind="sde")
    rtol: float = zoo.option(1e-3, help="tolerance", above=0.0)


@pytest.fixture(scope="module")
def registry():
    """The test's own things beside the bundled ones."""
    from solvers_zoo import catalogue

    module = types.ModuleType("of_the_test")

    @zoo.hookimpl
    def zoo_grids():
        return [Sample, Wrapper]

    module.zoo_grids = zoo_grids
    own = zoo.Registry()
    own.load_module(catalogue, dist="solvers-zoo")
    plugin = own.load_module(module, dist="of-the-test")
    assert plugin.ok, plugin.problems
    return own


# -- reading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("heun", Spec("heun")),
        ("  heun  ", Spec("heun")),
        ("dpmpp-2m-sde", Spec("dpmpp-2m-sde")),
        ("ddim:eta=0.5", Spec("ddim", (), {"eta": 0.5})),
        ("ddim:eta=0.5, seed=3", Spec("ddim", (), {"eta": 0.5, "seed": 3})),
        ("ddim(eta=0.5)", Spec("ddim", (), {"eta": 0.5})),
        ("ddim()", Spec("ddim")),
        ("ddim( eta = 0.5 , )", Spec("ddim", (), {"eta": 0.5})),
        ("a(-1e-3, .5, +2, inf, -inf)", Spec("a", (-1e-3, 0.5, 2, math.inf, -math.inf))),
        ("a(true, False, NONE)", Spec("a", (True, False, None))),
        ("a(x='it is', y=\"a,b)\")", Spec("a", (), {"x": "it is", "y": "a,b)"})),
        ("a([1, 2.5, [x]], [])", Spec("a", ([1, 2.5, [Spec("x")]], []))),
        ("a(heun)", Spec("a", (Spec("heun"),))),
        ("adaptive(heun, rtol=1e-3)", Spec("adaptive", (Spec("heun"),), {"rtol": 1e-3})),
        (
            "a(b(c(d=1), e=2), f=g(h))",
            Spec("a", (Spec("b", (Spec("c", (), {"d": 1}),), {"e": 2}),), {"f": Spec("g", (Spec("h"),))}),
        ),
        ("dist:heun", Spec("dist:heun")),
        ("solvers-zoo:heun(variable=t)", Spec("solvers-zoo:heun", (), {"variable": Spec("t")})),
        ("solvers-zoo:heun:variable=t", Spec("solvers-zoo:heun", (), {"variable": Spec("t")})),
        ("adaptive(my.dist:heun, rtol=1)", Spec("adaptive", (Spec("my.dist:heun"),), {"rtol": 1})),
    ],
)
def test_parse(text, spec):
    assert parse(text) == spec
    assert type(parse(text)) is Spec


def test_whole_numbers_stay_whole():
    assert [type(value) for value in parse("a(1, 1.0, 1e3)").args] == [int, float, float]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a name is missing"),
        ("3", "a name is missing"),
        ("heun(", "a name is missing"),
        ("heun)", "left over"),
        ("heun extra", "left over"),
        ("heun(a=1", "missing"),
        ("heun(a=1 b=2)", "missing"),
        ("heun(a=1, 2)", "without a name"),
        ("heun(a=1, a=2)", "given twice"),
        ("heun(a=[1, 2)", "missing"),
        ("heun(a='x)", "closing quote"),
        ("heun(a=)", "a name is missing"),
        ("heun:", "a name is missing"),
        ("heun:a=1:b=2", "left over"),
    ],
)
def test_what_cannot_be_read(text, why):
    with pytest.raises(zoo.OptionError, match=why) as caught:
        parse(text)
    assert "Write name" in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="ab1.-:=,()[]'\" e", max_size=24))
def test_any_text_is_read_or_refused(text):
    try:
        spec = parse(text)
    except zoo.OptionError:
        return
    assert spec.name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("heun,adaptive(heun, rtol=1e-3)", ["heun", "adaptive(heun, rtol=1e-3)"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("explicit([3,2,1]),karras(rho=5,x=[1,2])", ["explicit([3,2,1])", "karras(rho=5,x=[1,2])"]),
        ("a(b(c,d),e),f", ["a(b(c,d),e)", "f"]),
        ("a,,b,", ["a", "b"]),
        ("", []),
    ],
)
def test_split_list(text, parts):
    assert split_list(text) == parts


# -- options ------------------------------------------------------------------------------------------------------------


def test_values_take_their_type():
    made = Sample(rate=1, count=4.0, many=[3, 4], maybe=2, counts=[16.0, 2])
    assert [type(getattr(made, name)) for name in ("rate", "count", "many", "maybe")] == [float, int, tuple, float]
    assert made.many == (3.0, 4.0)
    assert made.counts == (16, 2)
    assert [type(count) for count in made.counts] == [int, int]
    assert Sample().maybe is None


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("rate", -0.1, "a number >= 0 and <= 2"),
        ("rate", 2.1, "a number >= 0 and <= 2"),
        ("rate", math.nan, "a number"),
        ("rate", "x", "a number"),
        ("rate", True, "a number"),
        ("rate", None, "a number"),
        ("width", 0.0, "a number > 0"),
        ("count", 0, "a whole number >= 1"),
        ("count", 2.5, "a whole number"),
        ("count", math.inf, "a whole number"),
        ("count", True, "a whole number"),
        ("flag", 1, "true or false"),
        ("word", 3, "a name"),
        ("mode", "c", "one of a, b"),
        ("many", [1, "x"], "a list of numbers"),
        ("many", 3, "a list of numbers"),
        ("many", [-6], "a list of numbers >= -5"),
        ("counts", [1, 2.5], "a list of whole numbers"),
        ("counts", [0], "a list of whole numbers >= 1"),
    ],
)
def test_impossible_values(name, value, allowed):
    with pytest.raises(zoo.OptionError, match=f"sample: option {name} = ") as caught:
        Sample(**{name: value})
    assert allowed in str(caught.value)


def test_the_bounds_themselves():
    assert Sample(rate=0.0).rate == 0.0
    assert Sample(rate=2.0, width=1e-300, count=1, many=[-5]).rate == 2.0


def test_misspelt_options_name_what_is_allowed():
    with pytest.raises(zoo.OptionError, match=r"has no option 'ratee'.*rate, width, count.*Did you mean 'rate'"):
        Sample.make(ratee=1.0)
    with pytest.raises(zoo.OptionError, match="takes 9 options, got 10"):
        Sample.make(*range(10))
    with pytest.raises(zoo.OptionError, match="rate is given twice"):
        Sample.make(1.0, rate=1.0)
    with pytest.raises(zoo.OptionError, match="needs a value for inner"):
        Wrapper.make()
    with pytest.raises(zoo.OptionError, match="it has no options"):
        zoo.grid("uniform", x=1)


def test_objects_are_values():
    assert Sample(rate=1) == Sample(rate=1.0) != Sample()
    assert hash(Sample(rate=1)) == hash(Sample(rate=1.0))
    assert Sample(rate=1).replace(count=7) == Sample(rate=1, count=7)
    assert pickle.loads(pickle.dumps(Sample(many=[1]))) == Sample(many=[1])
    with pytest.raises(AttributeError):
        Sample().rate = 1.0
    with pytest.raises(zoo.OptionError, match="rat"):
        Sample().replace(rat=1.0)


def test_tables_kept_by_an_object_do_not_tell_equal_ones_apart():
    used, fresh = zoo.DDPMBetas(), zoo.DDPMBetas()
    used.at(3.0)
    assert used == fresh
    assert hash(used) == hash(fresh)
    assert pickle.loads(pickle.dumps(used)) == fresh


# -- from text to object and back ---------------------------------------------------------------------------------------


def test_only_what_differs_is_written():
    assert str(Sample()) == "sample"
    assert str(Sample(rate=1, flag=True, many=[1, 2.5])) == "sample(rate=1.0, flag=true, many=[1.0, 2.5])"
    assert str(Sample(word="two words")) == 'sample(word="two words")'


words = st.sampled_from(
    ["plain", "a-b", "true", "None", "inf", "two words", "1e5", "", "a,b)", "x=1", 'a"b', "-2", "dist:heun", "a:b=c"]
)
samples = st.builds(
    Sample,
    rate=st.floats(0, 2),
    width=st.floats(min_value=0, exclude_min=True),
    count=st.integers(1, 10**20),
    flag=st.booleans(),
    word=words | st.text(alphabet=st.characters(min_codepoint=32, exclude_characters="'\"", codec="ascii")),
    mode=st.sampled_from(["a", "b"]),
    maybe=st.none() | st.floats(allow_nan=False),
    many=st.lists(st.floats(min_value=-5), max_size=4),
    counts=st.lists(st.integers(1, 10**20), max_size=4),
)


@settings(max_examples=200, deadline=None)
@given(made=samples)
def test_text_and_object_are_one(registry, made):
    assert registry.make("grid", str(made)) == made


@settings(max_examples=100, deadline=None)
@given(word=words | st.text(max_size=8))
def test_bare_words_are_read_as_themselves(word):
    if is_bare(word):
        assert parse(f"a(x={word})") == Spec("a", (), {"x": Spec(word)})


RULES = [
    zoo.grid("karras", rho=3.0),
    zoo.grid("ddpm", spacing="leading", offset=1),
    zoo.grid("kappa", kappa=0.1),
    zoo.grid("explicit", at=[80, 1e-3]),
]


@pytest.mark.parametrize("thing", [*SDES, *RULES], ids=str)
def test_bundled_things_are_their_text(thing):
    assert getattr(zoo, thing.card.kind)(str(thing)) == thing
    assert getattr(zoo, thing.card.kind)(f"solvers-zoo:{thing}") == thing


def test_nested_specifications(registry):
    made = registry.make("grid", "wrapper(ddim(eta=0.5), rtol=1, sde=vp(beta_max=10))")
    assert (made.inner, made.sde, made.rtol) == (zoo.solver("ddim", eta=0.5), zoo.VP(beta_max=10.0), 1.0)
    assert str(made) == "wrapper(inner=ddim(eta=0.5), sde=vp(beta_max=10.0), rtol=1.0)"
    assert registry.make("grid", str(made)) == made
    assert registry.make("grid", "of-the-test:wrapper:inner=ddim") == Wrapper(inner=zoo.solver("ddim"))
    assert Wrapper(inner="ddim:eta=0.5") == Wrapper(inner=zoo.solver("ddim", eta=0.5))
    with pytest.raises(zoo.UnknownNameError, match="dim"):
        registry.make("grid", "wrapper(ddimm)")
    with pytest.raises(zoo.OptionError, match="inner"):
        Wrapper(inner=zoo.VP())
    with pytest.raises(zoo.OptionError, match=r"no option 'etaa'.*'eta'"):
        registry.make("grid", "wrapper(ddim(etaa=1))")


def test_options_beside_a_specification():
    assert zoo.grid("karras:rho=3") == zoo.grid("karras", rho=3.0) == zoo.grid("karras(3)")
    with pytest.raises(zoo.OptionError, match="rho is given twice"):
        zoo.grid("karras:rho=3", rho=3.0)
    with pytest.raises(zoo.OptionError, match="rho = 'x'"):
        zoo.grid("karras:rho=x")
    with pytest.raises(zoo.UnknownNameError, match="Did you mean 'karras'"):
        zoo.grid("karas")
