import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.errors import ConfigError
from handgrad.random import generator, mix, stream_key, uniforms

GOLDEN = 0x9E3779B97F4A7C15


def test_mix_gives_the_published_numbers_of_splitmix64() -> None:
    """The numbers are the first five for seed 1234567 in Vigna's reference implementation."""
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [mix(1234567 + k * GOLDEN) for k in range(1, 6)] == published


@given(st.integers(0, 2**64 - 1), st.integers(1, 200))
def test_the_kth_number_follows_its_formula(key: int, count: int) -> None:
    found = uniforms(key, count)
    assert found.dtype == np.float32
    assert found[-1] == (mix(key + count * GOLDEN) >> 40) / 2**24


def test_a_longer_stream_begins_like_a_shorter_one() -> None:
    np.testing.assert_array_equal(uniforms(7, 1000)[:10], uniforms(7, 10))
    assert uniforms(7, 0).shape == (0,)


def test_uniforms_are_uniform() -> None:
    U = uniforms(stream_key(0, "dropout"), 100_000)
    assert (U >= 0).all()
    assert (U < 1).all()
    counts, _ = np.histogram(U, bins=20, range=(0, 1))
    expected = len(U) / 20
    assert ((counts - expected) ** 2 / expected).sum() < 50  # chi², 19 degrees: p < 1e-4
    assert abs(np.corrcoef(U[:-1], U[1:])[0, 1]) < 0.02


def test_streams_of_neighbouring_places_are_not_alike() -> None:
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    streams = [uniforms(stream_key(seed, "dropout", step), 2000) for seed, step in places]
    alike = np.corrcoef(streams) - np.eye(4)
    assert abs(alike).max() < 0.1


def test_keys_differ_by_seed_stream_and_position() -> None:
    keys = {
        stream_key(seed, stream, step, layer)
        for seed in range(4)
        for stream in ("init", "split", "shuffle", "dropout", "augment")
        for step in range(10)
        for layer in range(10)
    }
    assert len(keys) == 4 * 5 * 10 * 10
    assert stream_key(0, "dropout", 1, 2) != stream_key(0, "dropout", 2, 1)


def test_generators_depend_only_on_seed_purpose_and_position() -> None:
    first = generator(3, "shuffle", 1).permutation(50)
    np.testing.assert_array_equal(first, generator(3, "shuffle", 1).permutation(50))
    for other in (
        generator(4, "shuffle", 1),
        generator(3, "split", 1),
        generator(3, "shuffle", 2),
        generator(3, "shuffle"),
    ):
        assert (first != other.permutation(50)).any()


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed must be an integer of at least 0, not -1"):
        generator(-1, "init")
