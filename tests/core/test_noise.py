"""Addressed noise: the published words, equal bits in any batch, and the right distribution."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

import solvers_zoo as zoo
from solvers_zoo.noise.numbers import DATA, FINE, START, STEPS, TREE
from solvers_zoo.noise.philox import Philox

DIMS = (1, 2, 3, 8, 16, 3072)
BATCHES = (1, 2, 3, 7, 64)


def noise(samples, shape=(5,), seed=0, dtype=torch.float32):
    return zoo.SeededNoise(seed, samples, shape, dtype)


# -- Philox ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # known answers of Random123 (kat_vectors, philox4x32 10)
        ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_gives_the_published_words(counter, key, words):
    philox = Philox(key[0] | key[1] << 32)
    assert [int(word) for word in philox(*counter)] == words
    rows = [torch.tensor([[c]]).expand(3, 5) for c in counter]
    assert all(torch.equal(word, torch.full((3, 5), w)) for word, w in zip(philox(*rows), words, strict=True))


def test_philox_words_do_not_depend_on_how_counters_are_held():
    generator = torch.Generator().manual_seed(0)
    block, row = torch.arange(50)[None], torch.randint(0, 2**32, (20, 1), generator=generator)
    philox = Philox(0x123456789ABCDEF)
    small = philox(block, row, 7, 1 << 24)
    full = philox(block.expand(20, 50), row.expand(20, 50), torch.full((20, 50), 7), torch.full((20, 50), 1 << 24))
    assert all(torch.equal(a, b) for a, b in zip(small, full, strict=True))
    assert all(bool(((a >= 0) & (a < 2**32)).all()) for a in small)


# -- equal bits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", DIMS)
def test_a_sample_sees_the_same_noise_in_any_batch(dim):
    whole = noise(range(64), (dim,))
    expected = [whole.at(step).fresh() for step in range(12)]
    for size in BATCHES:
        for first in (0, 64 - size):
            part = noise(range(first, first + size), (dim,))
            for step in (0, 1, 2, 3, 11):  # in order, and out of it
                assert torch.equal(part.at(step).fresh(), expected[step][first : first + size])
    scattered = noise([63, 5, 17], (dim,))
    assert torch.equal(scattered.at(4).fresh(), expected[4][[63, 5, 17]])


@pytest.mark.parametrize("dim", DIMS)
def test_order_of_asking_leaves_no_trace(dim):
    forwards, again = noise(range(7), (dim,)), noise(range(7), (dim,))
    expected = [(d.fresh(), d.fresh(), d.uniform()) for d in map(forwards.at, range(9))]
    for step in (8, 0, 1, 2, 2, 2, 7, 3, 3, 3, 8):
        draws = again.at(step)
        for value in expected[step]:
            got = draws.uniform() if value.dim() == 1 else draws.fresh()
            assert torch.equal(got, value)
            got.zero_()  # and what a caller does with its numbers leaves none either


def test_numbers_are_box_muller_of_the_words_at_their_address():
    made = noise(range(10), (7,), seed=3)
    z = made.at(5).fresh()
    for sample in range(10):
        values = []
        for block in range(2):  # ceil(7 / 4) counters
            u = [(int(word) + 0.5) / 2**32 for word in Philox(3)(block, sample, 5, STEPS << 24)]
            for radius, turn in ((u[0], u[1]), (u[2], u[3])):
                r, angle = math.sqrt(-2 * math.log(radius)), 2 * math.pi * turn
                values.append((r * math.cos(angle), r * math.sin(angle)))
        first, second, third, fourth = (
            values  # words of counter 0, 1 are kept apart: number j is word j // 2 of counter j % 2
        )
        expected = [first[0], third[0], first[1], third[1], second[0], fourth[0], second[1]]
        assert torch.equal(z[sample], torch.tensor(expected, dtype=torch.float64).float())


def test_ten_million_numbers_are_the_same_in_pieces():
    whole = noise(range(640), (16384,)).at(3).fresh()
    for size in (1, 3, 64):
        for first in (0, 129, 500):
            part = noise(range(first, first + size), (16384,)).at(3).fresh()
            assert torch.equal(part, whole[first : first + size])
    odd = [noise(range(first, min(first + 77, 640)), (16384,)).at(3).fresh() for first in range(0, 640, 77)]
    assert torch.equal(torch.cat(odd), whole)


def test_float64_functions_do_not_depend_on_the_place_in_a_tensor():
    """What the equal bits rest on: the processor's vector code and its tail agree, even before rounding to float32."""
    u = (torch.arange(1, 20001, dtype=torch.float64) * 0.6180339887498949) % 1
    for function, x in ((torch.log, u), (torch.sqrt, u), (torch.cos, 2 * math.pi * u), (torch.sin, 2 * math.pi * u)):
        whole = function(x)
        for size in (1, 3, 7, 8, 13, 64):
            assert torch.equal(torch.cat([function(part) for part in x.split(size)]), whole)


def test_threads_change_nothing():
    expected = noise(range(64), (3072,)).at(0).fresh()
    torch.set_num_threads(2)
    try:
        assert torch.equal(noise(range(64), (3072,)).at(0).fresh(), expected)
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_dtypes_get_the_same_numbers_rounded(dtype):
    for dim in (3, 40000):
        single = noise(range(4), (dim,)).at(2).fresh()
        other = noise(range(4), (dim,), dtype=dtype).at(2).fresh()
        assert other.dtype is dtype
        assert torch.equal(other, single.to(dtype))


def test_shapes_and_empty_batches():
    assert noise(range(3), (2, 3, 4)).at(0).fresh().shape == (3, 2, 3, 4)
    assert noise(range(3), ()).at(0).fresh().shape == (3,)
    assert noise(range(0), (2,)).at(0).fresh().shape == (0, 2)
    assert noise(range(3), (0,)).at(0).fresh().shape == (3, 0)


def test_global_generator_is_untouched():
    before = torch.get_rng_state()
    draws = noise(range(3)).at(0)
    draws.fresh(), draws.uniform(), draws.between(None, None, area=True)
    assert torch.equal(torch.get_rng_state(), before)


# -- seeds and addresses ---------------------------------------------------------------------------------------------


def test_sixty_four_bits_of_the_seed_count():
    def draw(seed):
        return noise(range(2), seed=seed).at(0).fresh()

    seeds = (0, 1, -1, 2**31, 2**32, 2**32 + 1, 2**63, 2**64 - 2)
    drawn = [draw(seed) for seed in seeds]
    assert not any(torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])
    assert torch.equal(draw(-1), draw(2**64 - 1))
    assert torch.equal(draw(torch.tensor(5)), draw(5))


@pytest.mark.parametrize("seed", [0.5, 1.0, "1", None, True, [1]])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(zoo.OptionError, match=r"seed = .* whole number"):
        noise(range(1), seed=seed)


def test_addresses_out_of_range_are_refused():
    with pytest.raises(zoo.OptionError, match=r"2\^32"):
        noise([0, 2**32])
    with pytest.raises(zoo.OptionError, match=r"2\^32"):
        noise([-1, 2])
    with pytest.raises(zoo.OptionError, match="no call"):
        noise(range(2)).at(2**32).fresh()
    with pytest.raises(zoo.OptionError, match="no call"):
        noise(range(2)).normal(STEPS, 0, 2**24)


# -- distribution ----------------------------------------------------------------------------------------------------

N = 2_000_000


@pytest.fixture(scope="module")
def numbers():
    return noise(range(1000), (2000,), seed=11).at(0).fresh().double().flatten()


def test_moments(numbers):
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        error = float((numbers**power).mean()) - mean
        assert abs(error) < 4.5 * math.sqrt(variance / N), power


def test_shape_and_tails(numbers):
    assert stats.kstest(numbers[:500_000].numpy(), "norm").pvalue > 1e-3
    for cut in (2.0, 3.0, 4.0, 4.5):
        for side in (numbers, -numbers):
            expected = N * stats.norm.sf(cut)
            assert abs(int((side > cut).sum()) - expected) < 4.5 * math.sqrt(expected), cut


@pytest.mark.parametrize("position", range(4))
def test_each_word_gives_normals(position):
    """Box-Muller's four outputs separately: d = 4 takes one counter."""
    z = noise(range(50_000), (4,), seed=3).at(0).fresh()[:, position].double()
    assert stats.kstest(z.numpy(), "norm").pvalue > 1e-3


def _uncorrelated(columns):
    """Pearson and squared correlations of the columns of an (N, K) matrix, within 5 standard errors of 0."""
    for x in (columns, columns**2, columns.sign()):
        x = x - x.mean(0)
        x = x / x.std(0)
        correlation = x.T @ x / len(x) - torch.eye(x.shape[1], dtype=x.dtype)
        assert float(correlation.abs().max()) < 5 / math.sqrt(len(x))


def test_coordinates_samples_steps_calls_and_streams_are_independent():
    n = 40_000
    made = noise(range(n), (6,), seed=5)
    _uncorrelated(made.at(0).fresh().double())  # coordinates
    rows = noise(range(8), (n,), seed=5)
    _uncorrelated(rows.at(0).fresh().double().T)  # samples
    _uncorrelated(torch.stack([rows.at(step).fresh()[0].double() for step in (0, 1, 2, 3, 100, 2**31)], 1))  # steps
    draws = rows.at(0)
    _uncorrelated(torch.stack([draws.fresh()[0].double() for _ in range(10)], 1))  # calls
    streams = [rows.normal(stream, 0, 0)[0].double() for stream in (START, STEPS, DATA, TREE, FINE)]
    _uncorrelated(torch.stack(streams, 1))
    seeds = [noise(range(1), (n,), seed=seed).at(0).fresh()[0].double() for seed in (0, 1, 2, 2**32, -1)]
    _uncorrelated(torch.stack(seeds, 1))


def test_uniforms():
    made = noise(range(200_000), seed=2)
    u = made.at(0).uniform()
    assert u.dtype is torch.float64
    assert u.shape == (200_000,)
    assert float(u.min()) > 0
    assert float(u.max()) < 1
    assert stats.kstest(u.numpy(), "uniform").pvalue > 1e-3
    assert torch.equal(noise([17], seed=2).at(0).uniform(), u[17:18])


def test_independent_increments_and_areas():
    W, H = noise(range(200_000), (1,), seed=9, dtype=torch.float64).at(0).between(None, None, area=True)
    _uncorrelated(torch.cat([W, H], 1))
    assert float(W.var()) == pytest.approx(1, abs=0.02)
    assert float(H.var() * 12) == pytest.approx(1, abs=0.02)
