"""Kernels for Dropout and Dropout2d that use the masks of `handgrad.layers.dropout`."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.decorators import helper, kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, Number, at
from handgrad.engines.compiled.kernels.step_state import TOTAL
from handgrad.engines.compiled.kernels.vector import multiply_vector

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@kernel(writes="M")
def mask(
    M: Floats,
    features: int,
    p: float,
    scale: float,
    dropout_key: int,
    layer: int,
    step_state: Ints,
    chunk: int,
) -> None:
    """M[f, lane] = 0 with probability p, else scale = 1/(1 − p)

    The mask of feature f of image n is determined by number n·F + f of the random stream for (seed,
    step, layer). `dropout_key` is the key derived from the seed.
    """
    stream = fold(fold(np.uint64(dropout_key), np.uint64(step_state[TOTAL])), np.uint64(layer))
    for f in range(features):
        for lane in range(LANES):
            k = np.uint64((chunk * LANES + lane) * features + f + 1)
            z = mix(stream + k * _GOLDEN)
            kept = np.float32(z >> np.uint64(40)) * np.float32(2.0**-24) >= p
            M[f * LANES + lane] = scale if kept else np.float32(0)


@kernel(reads="M", writes="X")
def apply(X: Floats, M: Floats, features: int, area: int) -> None:
    """X ← M X        with one mask for the `area` elements of a feature"""
    for f in range(features):
        m = at(M, f * LANES)
        for a in range(area):
            multiply_vector(at(X, (f * area + a) * LANES), m)


@helper
def fold(key: Number, word: Number) -> Number:
    """Return the key of a random stream, which is derived from another key and a word."""
    return mix((key ^ word) + _GOLDEN)


@helper
def mix(z: Number) -> Number:
    """Apply the output function of the random number generator SplitMix64."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))
