"""One seed, many independent streams of random numbers.

Two kinds are needed, and both are functions of what they are for, never of what was drawn before:

- `generator` gives a NumPy generator for what happens once, or once an epoch: initial weights,
  the split, the order of the images.
- `uniforms` gives the k-th number of a stream without the numbers before it. Dropout draws its
  mask with it, so that a finite difference sees one function, and so that every engine, in
  whatever order it works, sees the same mask. Augmentation draws with it what becomes of an image.
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
    """Return the generator of one stream at one place.

    Args:
        seed: the run's seed.
        stream: what the numbers are for.
        place: further whole numbers that tell one use from another, such as the epoch.

    Raises:
        ConfigError: where the seed is below 0.
    """
    if seed < 0:
        raise ConfigError(f"seed must be a whole number of at least 0, not {seed}")
    words = np.random.SeedSequence((seed, _NUMBER_OF[stream], *place))
    return np.random.Generator(np.random.Philox(words))


def stream_key(seed: int, stream: Stream, *place: int) -> int:
    """Return the 64-bit key of one stream at one place: the words folded by `mix`."""
    key = 0
    for word in (seed, _NUMBER_OF[stream], *place):
        key = mix((key ^ word) + _GOLDEN)
    return key


def mix(z: int) -> int:
    """Scramble 64 bits: the output function of SplitMix64 for one whole number."""
    z &= _MASK
    z = ((z ^ (z >> 30)) * _MIX_1) & _MASK
    z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
    return z ^ (z >> 31)


def uniforms(key: int, count: int) -> NDArray[Any]:
    """Return the first `count` numbers of a stream, (count,) float32 in [0, 1)."""
    return uniforms_at(key, np.arange(count, dtype=np.uint64))


def uniforms_at(key: int, places: NDArray[np.uint64]) -> NDArray[Any]:
    """Return the numbers of a stream at some places, float32 in [0, 1), shaped as the places.

    Number k, counted from 0, is ``mix(key + (k + 1) * golden)``, its upper 24 bits taken as a
    fraction, which float32 holds exactly.
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
