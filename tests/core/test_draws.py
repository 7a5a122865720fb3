"""Tests of jaxdigits.core.draws."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdigits.core.draws import fold, to_words, uniform


def stream(seed, number, n=100_000):
    return np.asarray(uniform(fold(to_words(jax.random.key(seed)), number), (n,)))


def test_numbers_are_uniform():
    numbers = stream(0, 0)
    assert 0 <= numbers.min() < 1e-3 < 1 - 1e-3 < numbers.max() < 1
    counts = np.histogram(numbers, 100, (0, 1))[0]
    assert np.sum((counts - 1000.0) ** 2 / 1000.0) < 99 + 5 * np.sqrt(2 * 99)  # chi squared, five sigmas


@pytest.mark.parametrize("lag", [1, 2, 7, 64, 784])
def test_numbers_know_nothing_of_their_neighbours(lag):
    numbers = stream(3, 0)
    assert abs(np.corrcoef(numbers[lag:], numbers[:-lag])[0, 1]) < 5 / np.sqrt(len(numbers))


def test_streams_know_nothing_of_each_other():
    streams = [stream(seed, number) for seed in range(4) for number in (0, 1, 2, 2**31 - 1)]
    for first, second in itertools.combinations(streams, 2):
        assert abs(np.corrcoef(first, second)[0, 1]) < 6 / np.sqrt(len(first))
        assert not set(first[:50].tolist()) & set(second[:50].tolist())


def test_streams_of_streams_differ_too():
    words = to_words(jax.random.key(0))
    found = {
        tuple(np.asarray(fold(fold(words, first), second)).tolist()) for first in range(40) for second in range(40)
    }
    assert len(found) == 1600


def test_the_same_inside_jit_and_vmap():
    @jax.jit
    def draw(seed, number):
        return uniform(fold(to_words(jax.random.key(seed)), number), (4, 5))

    together = jax.vmap(draw, in_axes=(0, None))(jnp.arange(3), 2)
    for seed in range(3):
        np.testing.assert_array_equal(together[seed], stream(seed, 2, 20).reshape(4, 5))


def test_folded_words_make_a_jax_key():
    words = fold(to_words(jax.random.key(0)), 5)
    np.testing.assert_array_equal(to_words(jax.random.wrap_key_data(words)), words)


def test_keys_of_other_generators_have_words_too():
    words = to_words(jax.random.key(1, impl="rbg"))
    assert fold(words, 0).shape == words.shape == (4,)
    assert 0.4 < float(uniform(fold(words, 0), (1000,)).mean()) < 0.6
