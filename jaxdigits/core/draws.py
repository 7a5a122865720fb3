"""Random numbers for weights and dropout from an integer hash of a counter, which compiles in no time.

JAX's own generator costs XLA 0.2 s wherever it is drawn from, and a training program draws in several places: an
epoch of a perceptron with dropout compiled in 1.15 s with it and compiles in 0.77 s without. What needs distributions,
as augmentation does, still draws from JAX keys.

A *stream* is a sequence of numbers; its *words* are the 32-bit numbers that it depends on, as those of a JAX key.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["fold", "to_words", "uniform"]

GOLDEN = np.uint32(0x9E3779B9)
"""2**32 over the golden ratio: keeps hashes of zeros from being zero."""


def to_words(key: jax.Array) -> jax.Array:
    """Return the words of a key.

    Parameters
    ----------
    key : jax.Array
        A JAX key, or words already.

    Returns
    -------
    uint32 array of shape (n_words,)

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.draws import to_words
    >>> to_words(jax.random.key(7)).tolist()
    [0, 7]
    """
    return jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key


def fold(words: jax.Array, number: Any) -> jax.Array:
    """Derive the words of another stream.

    Parameters
    ----------
    words : uint32 array of shape (n_words,)
        Of `to_words`.
    number : int
        Which stream; traced or not.

    Returns
    -------
    uint32 array of shape (n_words,)
        They serve as the data of a JAX key too.

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.draws import fold, to_words
    >>> words = to_words(jax.random.key(7))
    >>> fold(words, 0).tolist() == fold(words, 1).tolist()
    False
    """
    state = jnp.asarray(number).astype(jnp.uint32)
    found: list[jax.Array] = []
    for _ in range(2):  # the second time around, every word has seen all others
        found = []
        for word in words:
            state = _mix((state ^ word) + GOLDEN)
            found.append(state)
    return jnp.stack(found)


def uniform(words: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Draw numbers from 0 to 1, without 1.

    Parameters
    ----------
    words : uint32 array of shape (n_words,)
        Of `fold`, so that streams of one key have nothing in common.
    shape : tuple of int
        Of what is drawn.

    Returns
    -------
    float32 array of `shape`
        Multiples of 2**-24.

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.draws import fold, to_words, uniform
    >>> numbers = uniform(fold(to_words(jax.random.key(7)), 0), (1000,))
    >>> 0 <= float(numbers.min()) < 0.01, 0.99 < float(numbers.max()) < 1
    (True, True)
    """
    numbers = jnp.arange(math.prod(shape), dtype=jnp.uint32)
    for word in words:
        numbers = _mix(numbers ^ word)
    return ((numbers >> 8).astype(jnp.float32) * np.float32(2**-24)).reshape(shape)


def _mix(numbers: jax.Array) -> jax.Array:
    """Hash 32 bits: every bit of the input turns each of the output with a chance of one half (Wellons' triple32)."""
    for shift, factor in ((17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB)):
        numbers = (numbers ^ (numbers >> shift)) * np.uint32(factor)
    return numbers ^ (numbers >> 14)
