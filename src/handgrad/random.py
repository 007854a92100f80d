"""Independent streams of random numbers from a single seed.

Both functions depend only on their arguments, never on numbers sampled before:

- `generator` returns a NumPy generator. It is used for everything that is sampled once per run or
    once per epoch: initial weights, the split, and the order of the images.
- `uniforms` can compute the k-th number of a stream without the numbers before it. Dropout uses it
  to sample masks, so that every engine and every finite difference has the same mask. Augmentation
  uses it to sample its parameters.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ConfigError

Stream = Literal["init", "split", "shuffle", "dropout", "augment"]

_NUMBER_OF: dict[str, int] = {"init": 1, "split": 2, "shuffle": 3, "dropout": 4, "augment": 5}

# Sebastiano Vigna's constants of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable
# pseudorandom number generators", section 6).
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_MASK = (1 << 64) - 1


def generator(seed: int, stream: Stream, *place: int) -> np.random.Generator:
    """Return the generator for one use of a stream.

    Args:
        seed: the run's seed.
        stream: the name of the stream, which has one purpose, such as dropout.
        place: additional integers that identify the use, such as the number of the epoch.

    Raises:
        ConfigError: if the seed is below 0.
    """
    if seed < 0:
        raise ConfigError(f"seed must be an integer of at least 0, not {seed}")
    words = np.random.SeedSequence((seed, _NUMBER_OF[stream], *place))
    return np.random.Generator(np.random.Philox(words))


def stream_key(seed: int, stream: Stream, *place: int) -> int:
    """Return the 64-bit key that `mix` computes from the arguments, for one use of a stream."""
    key = 0
    for word in (seed, _NUMBER_OF[stream], *place):
        key = mix((key ^ word) + _GOLDEN)
    return key


def mix(z: int) -> int:
    """Apply the output function of SplitMix64 to a 64-bit number."""
    z &= _MASK
    z = ((z ^ (z >> 30)) * _MIX_1) & _MASK
    z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
    return z ^ (z >> 31)


def uniforms(key: int, count: int) -> NDArray[Any]:
    """Return the first `count` numbers of a stream, (count,) float32 in [0, 1)."""
    return uniforms_at(key, np.arange(count, dtype=np.uint64))


def uniforms_at(key: int, places: NDArray[np.uint64]) -> NDArray[Any]:
    """Return the random numbers of a stream that have the given indices, float32 in [0, 1).

    The random number at index k, counted from 0, is 2**-24 times the upper 24 bits of
    ``mix(key + (k + 1) * golden)``; float32 represents it exactly.
    """
    z = places + np.uint64(1)
    z *= np.uint64(_GOLDEN)
    z += np.uint64(key)
    z ^= z >> np.uint64(30)
    z *= np.uint64(_MIX_1)
    z ^= z >> np.uint64(27)
    z *= np.uint64(_MIX_2)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
