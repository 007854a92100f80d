"""The steps do exactly what docs/format.md says, as an independent implementation shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from handgrad.preprocess import Preprocessing, Upscale, drawing, light, plain
from handgrad.preprocess.pixels import LARGEST
from handgrad.preprocess.preprocessing import KINDS
from handgrad.preprocess.resize import ONE, resize_weights, resized, smooth_weights
from tests.preprocess import specification
from tests.preprocess.write_golden_steps import CASES, FILE, image, result

PAGE = Path(__file__).parent.parent.parent / "docs/format.md"

sizes = st.tuples(st.integers(1, 24), st.integers(1, 24), st.integers(1, 4))
images = arrays.arrays(
    np.uint8, sizes, elements=st.integers(0, 255), fill=st.sampled_from([0, 9, 128, 255])
)
greys = arrays.arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(1)))
blocks = st.builds(lambda X, k: X.repeat(k, axis=0).repeat(k, axis=1), images, st.integers(1, 5))
PRESETS = [
    plain((1, 9, 7)),
    plain((3, 6, 8), keep_aspect=False),
    light((1, 7, 9)),
    drawing(28),
    drawing(7),
]


@pytest.mark.parametrize("preprocessing", PRESETS)
@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(X=blocks)
def test_each_step_gives_the_bytes_of_the_specification(preprocessing, X):
    stages = [x for _, x in preprocessing.stages(X)]
    for step, before, after in zip(
        preprocessing.to_json()["steps"], stages[:-1], stages[1:], strict=True
    ):
        expected = specification.apply(step, before.tolist())
        assert np.array_equal(np.array(expected, np.uint8), after), step


@given(n=st.integers(1, 300), m=st.integers(1, 300))
def test_the_weights_of_an_output_pixel_have_the_same_sum(n, m):
    found = resize_weights(n, m)
    assert found.shape == (m, n)
    assert found.min() >= 0
    assert (found.sum(axis=1) == ONE).all()
    assert (smooth_weights(n, 12).sum(axis=1) == ONE).all()
    X = np.random.default_rng(n).integers(0, 256, (n, 3, 1), np.uint8)
    expected = (found @ X[:, :, 0].astype(np.int64) + ONE // 2) >> 15
    assert np.array_equal(resized(X, m, 3)[:, :, 0], expected)


@given(n=st.integers(1, 60), m=st.integers(1, 300))
def test_cubic_weights_have_the_same_sum_and_small_partial_sums(n, m):
    found = resize_weights(n, m, cubic=True)
    assert found.shape == (m, n)
    assert (found.sum(axis=1) == ONE).all()
    assert 255 * np.maximum(found, 0).sum(axis=1).max() + ONE // 2 < 1 << 24
    X = np.random.default_rng(n).choice([0, 128, 255], (n, 3, 1)).astype(np.uint8)
    sums = found @ X[:, :, 0].astype(np.int64)
    expected = np.clip((sums + ONE // 2) >> 15, 0, 255)
    assert np.array_equal(resized(X, m, 3, cubic=True)[:, :, 0], expected)


@pytest.mark.parametrize("n", [1, 2, 3, 22, 1000])
def test_cubic_weights_of_the_largest_side_are_those_of_the_specification(n):
    found = resize_weights(n, LARGEST, cubic=True)
    for i in [0, 1, LARGEST // 2 - 1, LARGEST // 3, LARGEST - 1]:
        assert found[i].tolist() == specification.weights(specification.cubic_shares(n, LARGEST, i))


@settings(max_examples=40)
@given(X=greys, side=st.integers(1, 40))
def test_upscaling_to_any_side_gives_the_bytes_of_the_specification(X, side):
    expected = specification.upscale(X.tolist(), 25, side)
    assert np.array_equal(np.array(expected, np.uint8), Upscale(25, side)(X))


def test_cubic_interpolation_is_steeper_than_linear_and_stays_in_range():
    X = np.array([[0], [0], [255], [255]], np.uint8)[:, :, None]
    linear, cubic = (resized(X, 16, 1, cubic=c)[:, 0, 0].astype(int) for c in (False, True))
    assert cubic[8] - cubic[7] > linear[8] - linear[7]
    assert cubic.tolist() == sorted(cubic.tolist())
    assert cubic[0] == 0
    assert cubic[-1] == 255
    assert resized(X, 2, 1, cubic=True).tolist() == [[[0]], [[255]]]


def test_a_halved_image_is_the_rounded_mean():
    X = np.array([[[10], [20], [0], [1]]], np.uint8)
    assert resized(X, 1, 2)[0, :, 0].tolist() == [15, 1]


@pytest.mark.parametrize("name", CASES)
def test_golden_cases(name):
    stored = json.loads(FILE.read_text())[name]
    preprocessing = Preprocessing.from_json(stored["preprocessing"])
    X = np.array(stored["image"], np.uint8)
    assert np.array_equal(X, image(name))
    assert preprocessing.apply(X).tolist() == stored["result"] == result(name)


def test_the_page_describes_every_step():
    text = PAGE.read_text()
    assert set(specification.STEPS) == set(KINDS)
    for kind in KINDS:
        assert f"**{kind}**" in text
