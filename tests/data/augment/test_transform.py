"""Tests of `transform`: each pixel comes from the right source position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from handgrad.data.augment import Augmentation
from handgrad.data.augment import layout as column_of
from handgrad.data.augment.grid import sampling_grid
from handgrad.data.augment.layout import FINE, HEAD, LIGHT, PIXEL
from handgrad.data.augment.transform import transform
from handgrad.layers import Array

KINDS = [np.uint8, np.float32]


def images(shape: tuple[int, ...], kind: Any = np.uint8, seed: int = 0) -> NDArray[Any]:
    """Return images of random noise."""
    X = np.random.default_rng(seed).integers(0, 256, shape)
    return (X if kind == np.uint8 else X / 255 - 0.3).astype(kind)


def head(size: tuple[int, int], count: int = 1, **others: float) -> Array:
    """Return the parameters of the identity after changing the given columns."""
    parameters = np.zeros((count, HEAD), np.float32)
    parameters[:, column_of.Y], parameters[:, column_of.X] = (
        (side - 1) / 2 * PIXEL * FINE for side in size
    )
    parameters[:, [column_of.Y_BY_Y, column_of.X_BY_X]] = PIXEL * FINE / 2
    parameters[:, column_of.GAIN] = PIXEL
    for name, value in others.items():
        parameters[:, getattr(column_of, name)] = value
    return parameters


def transform_with(images: NDArray[Any], parameters: Array, fill: float | None) -> NDArray[Any]:
    """Transform images with the fill value of an augmentation."""
    _, _, H, W = images.shape
    value = Augmentation(fill=fill).fill_value(images.dtype)
    return transform(images, parameters, sampling_grid(H, W, 0), value, fill is None)


def transformed(images: NDArray[Any], fill: float | None = 0.0, **others: float) -> NDArray[Any]:
    """Transform images with parameters that are given by column."""
    _, _, H, W = images.shape
    parameters = head((H, W), len(images), **others)
    return transform_with(images, parameters, fill)


sizes = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 20), st.integers(1, 20))


@given(sizes, st.sampled_from(KINDS), st.sampled_from([0.0, None]))
def test_the_identity_changes_nothing(
    shape: tuple[int, ...], kind: Any, fill: float | None
) -> None:
    X = images(shape, kind)
    assert np.array_equal(transformed(X, fill), X)


@given(sizes, st.sampled_from(KINDS), st.integers(-21, 21), st.integers(-21, 21))
def test_shifts_by_whole_pixels_are_exact(
    shape: tuple[int, ...], kind: Any, down: int, right: int
) -> None:
    X = images(shape, kind)
    _, _, H, W = shape
    far = PIXEL * FINE
    parameters = head((H, W), len(X))
    parameters[:, column_of.Y] -= down * far
    parameters[:, column_of.X] -= right * far
    rows, columns = np.arange(H) - down, np.arange(W) - right
    taken = X[:, :, rows.clip(0, H - 1)][..., columns.clip(0, W - 1)]
    inside = ((rows >= 0) & (rows < H))[:, None] & ((columns >= 0) & (columns < W))
    for fill, expected in ((None, taken), (77.0, np.where(inside, taken, X.dtype.type(77)))):
        found = transform_with(X, parameters, fill)
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [7, 8, 28])
def test_quarter_turns_and_mirrors_are_exact(kind: Any, side: int) -> None:
    X, one = images((3, 2, side, side), kind), PIXEL * FINE / 2
    turned = transformed(X, Y_BY_Y=0, Y_BY_X=one, X_BY_Y=-one, X_BY_X=0)
    assert np.array_equal(turned, np.rot90(X, 1, (2, 3)))
    assert np.array_equal(transformed(X, X_BY_X=-one), X[..., ::-1])
    assert np.array_equal(transformed(X, X_BY_X=-one, Y_BY_Y=-one), X[..., ::-1, ::-1])


def test_half_pixel_shifts_average_neighbours() -> None:
    X = np.array([[[[10, 20], [31, 40]]]], np.uint8)
    half = PIXEL * FINE
    assert transformed(X, Y=half / 2, X=half)[0, 0].tolist() == [[15, 10], [36, 20]]
    assert transformed(X, fill=None, Y=half / 2, X=half)[0, 0].tolist() == [[15, 20], [36, 40]]


@pytest.mark.parametrize("kind", KINDS)
def test_strokes_get_wider_and_thinner(kind: Any) -> None:
    X = np.zeros((1, 1, 5, 5), kind)
    X[0, 0, 1:4, 2] = 200
    wide, thin = (transformed(X, STROKE=share)[0, 0] for share in (PIXEL, -PIXEL))
    assert wide[2].tolist() == [0, 200, 200, 200, 0]
    assert wide[:, 2].tolist() == [200] * 5
    assert not thin.any()  # a line of one pixel has nothing but edges
    assert transformed(X, STROKE=PIXEL // 2)[0, 0, 2].tolist() == [0, 100, 200, 100, 0]


def test_a_rectangle_is_erased_in_all_channels() -> None:
    X = images((2, 3, 6, 7))
    found = transformed(X, fill=9.0, TOP=1, BOTTOM=3, LEFT=2, RIGHT=7)
    assert (found[:, :, 1:3, 2:7] == 9).all()
    X[:, :, 1:3, 2:7] = 9
    assert np.array_equal(found, X)


def test_fill_values_are_clipped_for_bytes() -> None:
    X = images((1, 1, 4, 4))
    far = 100 * PIXEL * FINE
    for fill, expected in ((-5.0, 0), (300.0, 255), (0.6, 1)):
        assert (transformed(X, fill=fill, Y=far) == expected).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gain_and_offset_are_within_their_ranges(kind: Any) -> None:
    unit = 1 if kind == np.uint8 else 255
    X = (np.arange(256).reshape(1, 1, 16, 16) / unit).astype(kind)
    half = transformed(X, GAIN=PIXEL // 2, LIFT=PIXEL // 2 * LIGHT)  # the lighter half
    assert half.min() == pytest.approx(127.5 / unit, abs=0.5 / unit)
    assert half.max() == pytest.approx(255 / unit, rel=1e-6)
    assert np.diff(half.ravel().astype(float)).min() >= 0


def test_rotation_keeps_the_centre_and_the_ink() -> None:
    X = np.zeros((1, 1, 29, 29), np.uint8)
    X[0, 0, 10:19, 10:19] = 255
    seen = Augmentation(rotation=45).apply(np.repeat(X, 50, 0))
    assert (seen[:, 0, 14, 14] == 255).all()
    ink = seen.astype(float).sum(axis=(1, 2, 3)) / X.astype(float).sum()
    assert np.abs(ink - 1).max() < 0.02
