"""Arrays for kernel tests: random numbers, the step state, and the kernels' memory layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.kernels import step_state as state
from handgrad.engines.compiled.kernels.lanes import LANES

TOLERANCE = {"rtol": 2e-5, "atol": 2e-5}


def random(seed: int, *shape: int) -> NDArray[np.float32]:
    """Return normally distributed float32 numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def unset(*shape: int) -> NDArray[np.float32]:
    """Return an array of NaN, so that elements that a kernel does not write can be detected."""
    return np.full(shape, np.nan, np.float32)


def step_state(count: int = LANES, start: int = 0, **others: float) -> NDArray[np.int64]:
    """Return the step state of a batch.

    Args:
        count: the number of images in the batch.
        start: the position of the first image of the batch in the order.
        **others: other entries by their names in `kernels.step_state`, such as LR=0.1.
    """
    words = np.zeros(state.WORDS, np.int64)
    words[state.COUNT], words[state.START] = count, start
    words[state.CHUNKS] = -(-count // LANES)
    words.view(np.float64)[state.CLIP] = 1.0
    for name, value in others.items():
        index = getattr(state, name)
        (words.view(np.float64) if index >= state.LR else words)[index] = value
    return words


def chunked(X: NDArray[Any], padding: float = 0.0) -> NDArray[Any]:
    """Return images (N, ...) as chunks (chunks, ..., lanes); empty lanes have the padding."""
    chunks = -(-len(X) // LANES)
    padded = np.full((chunks * LANES, *X.shape[1:]), padding, X.dtype)
    padded[: len(X)] = X
    return np.ascontiguousarray(np.moveaxis(padded.reshape(chunks, LANES, *X.shape[1:]), 1, -1))


def tiled(W: NDArray[Any], T: int) -> NDArray[Any]:
    """Return W (O, I) as tiles (⌈O/T⌉, I, T), padded with zeros."""
    tiles = -(-len(W) // T)
    padded = np.zeros((tiles * T, W.shape[1]), W.dtype)
    padded[: len(W)] = W
    return np.ascontiguousarray(padded.reshape(tiles, T, -1).transpose(0, 2, 1))


def transposed(dY: NDArray[Any], T: int) -> NDArray[Any]:
    """Return dY (N, O) as chunks (chunks, ⌈O/T⌉, lanes, T), padded with zeros."""
    chunks, tiles = -(-len(dY) // LANES), -(-dY.shape[1] // T)
    padded = np.zeros((chunks * LANES, tiles * T), dY.dtype)
    padded[: len(dY), : dY.shape[1]] = dY
    rows = padded.reshape(chunks, LANES, tiles, T)
    return np.ascontiguousarray(rows.transpose(0, 2, 1, 3))


def sparse_pixels(seed: int, *shape: int) -> NDArray[np.float32]:
    """Return float32 numbers, most of which are zero."""
    rng = np.random.default_rng((seed, 1))
    return random(seed, *shape) * (rng.random(shape) < 0.3)


def csr(
    X: NDArray[Any], shares: int, share_width: int, block: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Return images (N, pixels) as CSR matrices: indices, data and indptr.

    Each has the shape (shares, chunks, lanes, ...).
    """
    chunks, pixels = -(-len(X) // LANES), X.shape[1]
    blocks = -(-share_width // block)
    indices = np.zeros((shares, chunks, LANES, share_width + LANES), np.int32)
    data = np.zeros(indices.shape, np.float32)
    indptr = np.zeros((shares, chunks, LANES, blocks + 1), np.int64)
    for share in range(shares):
        for n, image in enumerate(X):
            place = (share, n // LANES, n % LANES)
            entries = 0
            for part in range(blocks):
                indptr[(*place, part)] = entries
                begin = share * share_width + part * block
                end = min(begin + block, (share + 1) * share_width, pixels)
                for p in range(begin, end):
                    if image[p] != 0:
                        indices[(*place, entries)], data[(*place, entries)] = p, image[p]
                        entries += 1
            indptr[(*place, blocks)] = entries
    return indices, data, indptr
