"""The kernels in `kernels.sparse` agree with their formulas (shares, tiles, blocks, chunks)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import (
    TOLERANCE,
    chunked,
    csr,
    random,
    sparse_pixels,
    step_state,
    tiled,
    transposed,
    unset,
)


class Sizes(NamedTuple):
    """The sizes of a test: images, pixels, outputs, vectors per tile, shares and blocks."""

    N: int
    pixels: int
    O: int
    vectors: int
    shares: int
    share_width: int
    block: int

    @property
    def width(self) -> int:
        return self.vectors * LANES

    @property
    def tiles(self) -> int:
        return -(-self.O // self.width)

    @property
    def blocks(self) -> int:
        return -(-self.share_width // self.block)


WHOLE = [Sizes(5, 20, 10, 1, 1, 20, 16), Sizes(37, 50, 70, 2, 1, 50, 16)]
SHARED = [Sizes(16, 50, 17, 1, 2, 32, 16), Sizes(37, 90, 50, 4, 2, 48, 32)]
every = pytest.mark.parametrize("s", [*WHOLE, *SHARED])


@every
def test_fold_shift(s: Sizes) -> None:
    W, b, shift = random(0, s.O, s.pixels), random(1, s.tiles * s.width), random(2, s.pixels)
    folded, items = unset(s.shares, s.tiles * s.width), s.shares * s.tiles
    for item in range(items):
        call_kernel(
            "sparse.fold_shift",
            {"VECTORS": s.vectors},
            W=tiled(W, s.width),
            b=b,
            shift=shift,
            folded=folded,
            pixels=s.pixels,
            share_width=s.share_width,
            item=item,
            tiles=s.tiles,
        )
    for share in range(s.shares):
        own = slice(share * s.share_width, (share + 1) * s.share_width)
        expected = W[:, own] @ shift[own] + (b[: s.O] if share == 0 else 0)
        np.testing.assert_allclose(folded[share, : s.O], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("s", WHOLE)
def test_forward(s: Sizes, groups: int) -> None:
    X, W, b = (
        sparse_pixels(0, s.N, s.pixels),
        random(1, s.O, s.pixels),
        random(2, s.tiles * s.width),
    )
    indices, data, indptr = csr(X, 1, s.pixels, s.block)
    chunks = indices.shape[1]
    R, Y = unset(chunks, s.tiles, LANES, s.width), unset(chunks, s.tiles * s.width, LANES)
    for item in range(s.tiles * groups):
        call_kernel(
            "sparse.forward",
            {"VECTORS": s.vectors},
            W=tiled(W, s.width),
            b=b,
            indices=indices,
            data=data,
            chunk_stride=indices[0, 0].size,
            indptr=indptr,
            indptr_chunk_stride=indptr[0, 0].size,
            blocks=s.blocks,
            pixels=s.pixels,
            item=item,
            groups=groups,
            step_state=step_state(s.N),
            R=R,
            R_stride=R[0].size,
            Y=Y,
            Y_stride=Y[0].size,
        )
    expected = chunked(X @ W.T)
    inside = chunked(np.ones((s.N, 1)))[:, 0].astype(bool)
    for chunk in range(chunks):
        lanes = inside[chunk]
        found = Y[chunk, : s.O, lanes].T - b[: s.O, None]
        np.testing.assert_allclose(found, expected[chunk][:, lanes], rtol=1e-4, atol=1e-4)


@every
def test_forward_chunk(s: Sizes) -> None:
    X, W, b = (
        sparse_pixels(0, s.N, s.pixels),
        random(1, s.O, s.pixels),
        random(2, s.tiles * s.width),
    )
    indices, data, indptr = csr(X, s.shares, s.share_width, s.block)
    for share, chunk in np.ndindex(indices.shape[:2]):
        Y = unset(s.tiles * s.width, LANES)
        call_kernel(
            "sparse.forward_chunk",
            {"VECTORS": s.vectors},
            W=tiled(W, s.width),
            b=b,
            indices=indices[share, chunk],
            data=data[share, chunk],
            indptr=indptr[share, chunk],
            blocks=s.blocks,
            share_width=s.share_width,
            pixels=s.pixels,
            tiles=s.tiles,
            step_state=step_state(s.N),
            chunk=chunk,
            rows=unset(LANES, s.width),
            Y=Y,
        )
        own = slice(share * s.share_width, (share + 1) * s.share_width)
        images = X[chunk * LANES : (chunk + 1) * LANES]
        expected = W[:, own] @ images[:, own].T + b[: s.O, None]
        found = Y[: s.O, : len(images)]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def arguments_of(s: Sizes, X: Any, dY: Any, shift: Any, has_shift: int) -> dict[str, Any]:
    """Return the arguments that all gradient kernels have in common."""
    indices, data, indptr = csr(X, s.shares, s.share_width, s.block)
    R = transposed(dY, s.width)
    return {
        **{"indices": indices, "data": data, "indptr": indptr, "R": R, "R_stride": R[0].size},
        **{"share_stride": indices[0].size, "chunk_stride": indices[0, 0].size},
        "indptr_share_stride": indptr[0].size,
        "indptr_chunk_stride": indptr[0, 0].size,
        **{"shift": shift, "has_shift": has_shift, "pixels": s.pixels},
        **{"share_width": s.share_width, "tiles": s.tiles, "blocks": s.blocks, "block": s.block},
        "step_state": step_state(s.N, LR=0.1),
    }


@every
@pytest.mark.parametrize("has_shift", [0, 1])
def test_gradient(s: Sizes, has_shift: int) -> None:
    X, dY, shift = sparse_pixels(0, s.N, s.pixels), random(1, s.N, s.O), random(2, s.pixels)
    dW, items = unset(s.tiles, s.pixels, s.width), s.shares * s.tiles * s.blocks
    norms, arguments = unset(items), arguments_of(s, X, dY, shift, has_shift)
    for item in range(items):
        call_kernel(
            "sparse.gradient",
            {"VECTORS": s.vectors},
            dW=dW,
            item=item,
            sums=unset(s.width),
            norms=norms,
            **arguments,
        )
    expected = dY.T @ (X + has_shift * shift)
    np.testing.assert_allclose(dW, tiled(expected, s.width), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(norms.sum(), (expected**2).sum(), rtol=1e-3)


@every
@pytest.mark.parametrize("has_shift", [0, 1])
def test_update(s: Sizes, has_shift: int) -> None:
    X, dY, shift = sparse_pixels(0, s.N, s.pixels), random(1, s.N, s.O), random(2, s.pixels)
    W, items = random(3, s.O, s.pixels), s.shares * s.tiles * s.blocks
    found, arguments = tiled(W, s.width), arguments_of(s, X, dY, shift, has_shift)
    for item in range(items):
        call_kernel(
            "sparse.update",
            {"VECTORS": s.vectors},
            W=found,
            item=item,
            scratch=unset(s.block + 1, s.width),
            **arguments,
        )
    expected = W - 0.1 * (dY.T @ (X + has_shift * shift))
    np.testing.assert_allclose(found, tiled(expected, s.width), **TOLERANCE)
