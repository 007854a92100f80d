"""JavaScript scales arrays of images as Python does, and refuses the same ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.classifier.scaling import scaled_array
from handgrad.errors import DataError
from handgrad.models import softmax_regression
from handgrad.network import Network
from handgrad.pixel_range import PixelRange
from tests.web.runtime.prepared import runtime, typed
from tests.web.runtime.v8 import JavaScriptError

SHAPE = (1, 4, 4)
NETWORK = Network(softmax_regression(), SHAPE, 3)
DTYPES = (
    *(np.uint8, np.uint16, np.uint32, np.int8, np.int16, np.int32),
    *(np.float32, np.float64),
)
ENDS = (
    *((0, 1), (0, 255), (0, 16), (0, 15), (0, 100), (0, 65535), (0, 4095), (0, 1023)),
    *((-1, 1), (-0.5, 0.5), (-128, 127), (-1, 255), (-2.5, 3), (0, 0), (7, 9), (0.1, 1.05)),
)
TRAINED = (None, *(PixelRange(*ends) for ends in ENDS[:-3]), PixelRange(-2, 3, is_known=False))


def agree(trained: PixelRange | None, X: np.ndarray, pixel_range: object = None) -> str:
    """Check that both languages give the same pixels or both refuse; return the dtype or ""."""
    arguments = {
        "shape": SHAPE,
        "trained": trained and trained.to_json(),
        "X": typed(X),
        "pixel_range": pixel_range,
    }
    try:
        expected = scaled_array(NETWORK, trained, X, pixel_range)
    except DataError:
        with pytest.raises(JavaScriptError) as error:
            runtime().call("pixels", **arguments)
        assert error.value.kind == "DataError"
        return ""
    found = runtime().call("pixels", **arguments)
    assert found["dtype"] == f"{expected.dtype.name.title()}Array"
    values = np.array(found["values"], np.float64)  # NaN is written as "NaN"
    assert np.array_equal(values, expected.ravel(), equal_nan=True)
    return expected.dtype.name


@settings(max_examples=400)
@given(
    trained=st.sampled_from(TRAINED),
    dtype=st.sampled_from(DTYPES),
    ends=st.sampled_from(ENDS),
    way=st.sampled_from(("all", "dark", "ends", "overshoot", "whole")),
    seed=st.integers(0, 1 << 32),
)
def test_the_pixels_are_those_of_python(trained, dtype, ends, way, seed):
    rng = np.random.default_rng(seed)
    low, high = ends
    values = rng.uniform(low, high, (5, *SHAPE))
    if way == "dark":
        values = low + (values - low) / 20
    if way == "overshoot":
        values = values * 1.1 - 0.02 * (high - low)
    if way in ("ends", "whole"):
        values = np.rint(values)
    if way == "ends":
        values.flat[0], values.flat[1] = low, high
    if np.dtype(dtype).kind != "f":
        limits = np.iinfo(dtype)
        values = np.rint(values).clip(limits.min, limits.max)
    agree(trained, values.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pixel_range", ["raw", [0, 255], [0, 16], [-1, 1], [3, 3], "red", [1]])
def test_a_given_range_is_used_or_refused(dtype, pixel_range):
    X = np.random.default_rng(0).integers(0, 17, (2, *SHAPE)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        X /= 16
    for trained in (None, PixelRange(0, 255), PixelRange(-2, 3, is_known=False)):
        agree(trained, X, pixel_range)


def test_images_of_other_layouts():
    X = np.arange(32, dtype=np.uint8).reshape(2, 4, 4)
    for shaped in (X, X[..., None], X[:, None]):
        assert agree(PixelRange(0, 255), shaped) == "uint8"
    agree(PixelRange(0, 255), X[:, :3])


def test_ranges_that_only_some_values_show():
    cases = {
        "wrapped": np.tile(np.array([0, -1, -7, 90], np.int8), 8),
        "often negative": np.tile(np.array([-0.1, 0.4, 1, 0.2], np.float32), 32),
        "not finite": np.array([np.nan] + [0.5] * 15, np.float32),
        "infinite": np.array([np.inf] + [0.5] * 15, np.float64),
        "nearly bytes": (np.arange(16) / 255 + 1e-7).astype(np.float32),
        "halves": np.arange(16, dtype=np.float32) + 0.5,
    }
    for values in cases.values():
        for trained in TRAINED:
            agree(trained, values.reshape(-1, *SHAPE))


def test_many_bytes_are_recognized_by_the_first_thousand_images():
    X = np.zeros((1200, *SHAPE), np.uint8)
    for value in (10, 17):
        X[999] = value
        for trained in (PixelRange(0, 255), PixelRange(0, 16), PixelRange(-1, 1)):
            agree(trained, X)
