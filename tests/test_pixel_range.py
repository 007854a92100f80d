"""The range of training images is recognized, and new images are scaled to it or refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from handgrad.errors import DataError, ModelError
from handgrad.pixel_range import BYTES, PixelRange, as_bytes, given_range, joined

# How other programs store the pixels of 8-bit images, and the range that this has.
FORMS: dict[str, tuple[Callable[[NDArray[np.uint8]], NDArray[np.generic]], PixelRange]] = {
    "uint8": (lambda X: X, BYTES),
    "int64": (lambda X: X.astype(np.int64), BYTES),
    "int8": (lambda X: (X.astype(np.int16) - 128).astype(np.int8), PixelRange(-128, 127)),
    "uint16": (lambda X: X.astype(np.uint16) * 257, PixelRange(0, 65535)),
    "float 0..65535": (lambda X: X.astype(np.float32) * 257, PixelRange(0, 65535)),
    "float16 0..1": (lambda X: (X / 255).astype(np.float16), PixelRange(0, 1)),
    "float32 0..1": (lambda X: X / np.float32(255), PixelRange(0, 1)),
    "float64 0..1": (lambda X: X / 255, PixelRange(0, 1)),
    "float 0..255": (lambda X: X.astype(np.float64), BYTES),
    "float -1..1": (lambda X: X / 127.5 - 1, PixelRange(-1, 1)),
    "float -0.5..0.5": (lambda X: X / 255 - 0.5, PixelRange(-0.5, 0.5)),
    "float 0..16": (lambda X: X * (16 / 255), PixelRange(0, 16)),
}
# These lose information: the pixels are compared with those of images that have only these values.
COARSE: dict[str, tuple[Callable[[NDArray[np.uint8]], NDArray[np.generic]], PixelRange]] = {
    "bool": (lambda X: X > 127, PixelRange(0, 1)),
    "uint8 0..1": (lambda X: (X > 127).astype(np.uint8), PixelRange(0, 1)),
    "float 0, 1": (lambda X: (X > 127).astype(np.float32), PixelRange(0, 1)),
    "int64 0..16": (lambda X: np.rint(X * (16 / 255)).astype(np.int64), PixelRange(0, 16)),
    "uint8 0..15": (lambda X: (X // 17).astype(np.uint8), PixelRange(0, 15)),
    "uint16 0..4095": (lambda X: X.astype(np.uint16) * 16 + X // 16, PixelRange(0, 4095)),
}
KNOWN = FORMS | COARSE
each_form = pytest.mark.parametrize("form", KNOWN)


def full(X: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images that contain black and white."""
    X = X.copy()
    X[:, 0, 0, :2] = 0, 255
    return X


RNG = np.random.default_rng(1)
IMAGES = full(np.random.default_rng(0).integers(0, 256, (20, 1, 6, 6), np.uint8))
some_images = arrays(np.uint8, (3, 1, 4, 4)).map(full)


@each_form
def test_the_range_of_training_images_is_recognized(form: str) -> None:
    make, known = KNOWN[form]
    assert PixelRange.of(make(IMAGES)) == known


@settings(max_examples=60)
@given(some_images, st.sampled_from(list(FORMS)), st.sampled_from(list(FORMS)))
def test_images_in_every_range_become_the_same_pixels(
    X: NDArray[np.uint8], trained: str, form: str
) -> None:
    known = PixelRange.of(FORMS[trained][0](X))
    stored = FORMS[form][0](X)
    pixels = known.of_new_images(stored).pixels(stored)
    assert pixels.dtype in (np.uint8, np.float32)
    assert as_bytes(pixels) == pytest.approx(X, abs=1 if "16" in form else 0)


@settings(max_examples=60)
@given(some_images, st.sampled_from(list(KNOWN)), st.sampled_from(list(KNOWN)))
def test_pixels_are_right_or_refused_whatever_the_training_range(
    X: NDArray[np.uint8], trained: str, form: str
) -> None:
    X = X // 128 * 255  # values that every form can store
    known = PixelRange.of(KNOWN[trained][0](X))
    stored = KNOWN[form][0](X)
    try:
        pixels = known.of_new_images(stored).pixels(stored)
    except DataError:
        assert form == "uint16 0..4095"
        assert trained != form
        return
    darker = form == "uint8 0..15" and known.high == 16  # white is the 15th of 16 shades
    assert as_bytes(pixels) == pytest.approx(X, abs=16 if darker else 1)


@each_form
def test_an_image_alone_has_the_pixels_that_it_has_in_a_batch(form: str) -> None:
    X = KNOWN[form][0](IMAGES)
    known = PixelRange.of(X)
    alone = joined(*(known.of_new_images(x[None]).pixels(x[None]) for x in X))
    assert as_bytes(alone).tolist() == as_bytes(known.pixels(X)).tolist()


@pytest.mark.parametrize(
    "X",
    [
        np.random.default_rng(0).normal(size=(9, 4)),
        np.random.default_rng(0).uniform(0, 9.7, (9, 4)),
        np.linspace(0, 100, 36).reshape(9, 4),
        np.linspace(-0.42, 0.97, 36).reshape(9, 4),
        np.arange(-3, 33),
        np.arange(0, 36) * 20,
    ],
)
def test_values_of_no_usual_range_are_used_as_they_are(X: NDArray[np.generic]) -> None:
    known = PixelRange.of(X)
    assert known == PixelRange(X.min(), X.max(), is_known=False)
    assert known.pixels(X).dtype == np.float32
    assert known.pixels(X) == pytest.approx(X.astype(np.float32))
    assert known.of_new_images(X[:3] * 0.9) == known
    for other in (IMAGES, IMAGES > 9, IMAGES / 255):
        with pytest.raises(DataError, match="are not like the training images, whose values"):
            known.of_new_images(other)


@pytest.mark.parametrize(
    ("trained", "X"),
    [
        (BYTES, np.array([0, 14])),
        (BYTES, np.array([0, 14], np.uint8)),
        (BYTES, np.array([-2.1, 2.8])),
        (BYTES, np.array([0, 1000.5])),
        (PixelRange(0, 1), np.array([0.0, 14.0])),
        (PixelRange(0, 1), np.array([0.0, 100.0])),
        (PixelRange(-1, 1), np.array([0.1, 0.9])),
        (PixelRange(0, 16), np.array([0, 4000], np.uint16)),
        (PixelRange(0, 65535), np.array([0, 2000], np.uint16)),
    ],
)
def test_a_range_in_doubt_is_refused_with_both_ranges(
    trained: PixelRange, X: NDArray[np.generic]
) -> None:
    with pytest.raises(DataError) as caught:
        trained.of_new_images(X)
    sentence = str(caught.value)
    assert f"{X.dtype}, values {X.min():g}..{X.max():g}" in sentence
    assert f"whether their range is {trained}, as in training" in sentence
    assert ("pixel_range=(-1, 1)" if X.min() < 0 else "pixel_range=(0, ") in sentence


@pytest.mark.parametrize("white", [1, 15, 16, 255, 65535])
@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("form", ["standardized", "without mean"])
def test_images_without_their_mean_are_refused(white: int, count: int, form: str) -> None:
    X = np.where(RNG.random((count, 1, 9, 9)) < 0.7, 0.0, RNG.random((count, 1, 9, 9)))
    X = (X - X.mean()) / X.std() if form == "standardized" else X * 255 - 30
    with pytest.raises(DataError, match="pixel_range="):
        PixelRange(0, white).of_new_images(X)


def test_interpolated_images_may_lie_a_little_outside_their_range() -> None:
    X = RNG.normal(0.5, 0.2, (20, 1, 9, 9))
    X = (X - X.min()) / (X.max() - X.min()) * 1.1 - 0.05
    for known in (PixelRange(0, 1), PixelRange(0, 16), BYTES):
        assert known.of_new_images(X * known.high) == known


def test_int8_images_that_were_uint8_are_refused() -> None:
    X = np.where(RNG.random((9, 9, 9)) < 0.7, 0, RNG.integers(0, 256, (9, 9, 9))).astype(np.uint8)
    for known in (PixelRange.of, BYTES.of_new_images):
        with pytest.raises(DataError, match=r"use images.view\(np.uint8\)"):
            known(X.view(np.int8))
    assert PixelRange.of((X.astype(int) - 128).astype(np.int8)) == PixelRange(-128, 127)
    assert PixelRange.of(X.astype(int) - 128) == PixelRange(-128, 127)


def test_black_images_are_black_in_every_range() -> None:
    for _, known in KNOWN.values():
        X = np.zeros((1, 2, 2), np.float32)
        assert as_bytes(known.of_new_images(X).pixels(X)).max() == 0


@given(arrays(np.uint8, (4, 5), elements=st.integers(0, 16)).filter(lambda X: X.max() == 16))
def test_0_to_16_has_the_values_of_8_bit_images(X: NDArray[np.uint8]) -> None:
    wanted = np.rint(X * (255 / 16))
    for stored in (X, X.astype(np.float64)):
        pixels = PixelRange.of(stored).pixels(stored)
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, wanted)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_pass_without_a_warning(bad: float) -> None:
    X = np.array([[0.0, bad, 255.0]])
    for known in (PixelRange.of(X), BYTES.of_new_images(X), BYTES):
        assert not np.isfinite(known.pixels(X)).all()


def test_rows_may_exceed_their_range_if_they_have_no_other() -> None:
    known = PixelRange(0, 1)
    assert known.of_new_images(np.array([-0.2, 1.7]), 0.9) == known
    assert known.of_new_images(np.array([-0.5, 0.5]), 0.9) == PixelRange(-0.5, 0.5)
    assert BYTES.of_new_images(np.array([-128, 127], np.int8), 0.9) == PixelRange(-128, 127)
    with pytest.raises(DataError, match="do not show"):
        known.of_new_images(np.array([0, 2.5]), 0.9)


def test_pixels_in_the_form_that_networks_take_are_not_copied() -> None:
    for X in (IMAGES, IMAGES / np.float32(255)):
        assert PixelRange.of(X).pixels(X) is X


@pytest.mark.parametrize(
    ("argument", "X", "wanted"),
    [
        (None, IMAGES, None),
        ((0, 255), IMAGES, BYTES),
        ([0, 1], IMAGES / 255, PixelRange(0, 1)),
        (PixelRange(0, 100), IMAGES / 2.55, PixelRange(0, 100)),
        ("raw", IMAGES, BYTES),
        ("raw", IMAGES - 9.0, PixelRange(-9, 246, is_known=False)),
    ],
)
def test_a_given_range(argument: object, X: NDArray[np.generic], wanted: PixelRange | None) -> None:
    assert given_range(argument, X) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ((0, 1), "pixel_range is 0..1, but the images are uint8, values 0..255; correct one"),
        ((255, 0), "black and then a larger one for white, not 255.0, 0.0"),
        ((0, float("nan")), "pixel_range must be the values of black and white"),
        ((0, True), "pixel_range must be the values of black and white"),
        ("bytes", "to use the values as they are, not 'bytes'"),
        (255, "such as (0, 255), or"),
        ((0, 1, 2), "not (0, 1, 2)"),
    ],
)
def test_a_wrong_range_is_refused(argument: object, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        given_range(argument, IMAGES)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


@pytest.mark.parametrize("known", [BYTES, PixelRange(-0.4, 2.8, is_known=False)])
def test_a_range_is_restored_from_json(known: PixelRange) -> None:
    assert PixelRange.from_json(json.loads(json.dumps(known.to_json()))) == known


@pytest.mark.parametrize(
    "described",
    [
        {"low": 0, "high": 1},
        {"low": 1, "high": 0, "is_known": True},
        {"low": "0", "high": 1, "is_known": True},
        {"low": 0, "high": 1, "is_known": 1},
        [0, 255],
    ],
)
def test_a_damaged_description_is_refused(described: object) -> None:
    with pytest.raises(ModelError, match="range"):
        PixelRange.from_json(described)
