import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from handgrad.errors import DataError, ModelError
from handgrad.preprocess import (
    PRESETS,
    CenterByMass,
    CompositeAlpha,
    Grayscale,
    Preprocessing,
    Resize,
    drawing,
)
from handgrad.preprocess.preprocessing import KINDS

SHAPES = {"plain": (3, 9, 7), "light": (1, 9, 7), "drawing": (1, 28, 28)}


@pytest.mark.parametrize("name", PRESETS)
@given(
    image=arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)),
        elements=st.integers(0, 255),
        fill=st.sampled_from([0, 128, 255]),
    )
)
def test_every_image_gets_the_shape(name, image):
    preprocessing = PRESETS[name](SHAPES[name])
    before = image.copy()
    seen = preprocessing.apply(image)
    assert (seen.shape, seen.dtype) == (SHAPES[name], np.uint8)
    assert seen.flags.c_contiguous
    assert np.array_equal(image, before)
    assert not np.shares_memory(seen, image)


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trips(name):
    preprocessing = PRESETS[name](SHAPES[name])
    assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


def test_json_contains_each_step_with_its_fields():
    preprocessing = Preprocessing(
        (1, 4, 6), (CompositeAlpha("black"), Grayscale(), Resize(4, 6, keep_aspect=False))
    )
    assert preprocessing.to_json() == {
        "shape": [1, 4, 6],
        "steps": [
            {"kind": "CompositeAlpha", "background": "black"},
            {"kind": "Grayscale"},
            {"kind": "Resize", "height": 4, "width": 6, "keep_aspect": False},
        ],
        "version": 2,
    }


def test_a_field_added_later_is_left_out_if_it_is_default():
    before = {"shape": [1, 9, 9], "steps": [{"kind": "Binarize", "min_side": 5}], "version": 2}
    grey = [{"kind": "Grayscale"}, {"kind": "CenterByMass", "side": 9}]
    before["steps"] += grey
    assert Preprocessing.from_json(before).to_json() == before
    now = {**before, "steps": [{"kind": "Binarize", "min_side": 5, "speck": 4}, *grey]}
    assert Preprocessing.from_json(now).to_json() == now


def test_stages_have_titles_and_images():
    stages = drawing(28).stages(np.full((40, 30), 255, np.uint8))
    assert [title for title, _ in stages] == [
        *("raw", "alpha composited", "grey", "upscaling undone", "denoised", "downscaled"),
        *("dark ink inverted", "background subtracted", "lines removed", "cropped"),
        *(
            "upscaled",
            "binarized",
            "cropped",
            "scaled to fit",
            "contrast stretched",
            "centred by mass",
        ),
    ]
    assert stages[0][1].shape == (40, 30, 1)
    assert stages[-1][1].shape == (28, 28, 1)


@pytest.mark.parametrize(
    "image", [np.zeros(3, np.uint8), np.zeros((2, 2)), np.zeros((2, 2, 5), np.uint8), [[]]]
)
def test_invalid_images_are_rejected(image):
    with pytest.raises(DataError, match=r"an image must be uint8 \(H, W\) or \(H, W, C\) with 1"):
        drawing().apply(image)


def test_steps_that_produce_another_shape_are_rejected():
    with pytest.raises(ModelError, match=r"produces images \(1, 28, 28\), not \(1, 8, 8\); add"):
        Preprocessing((1, 8, 8), (CompositeAlpha(), Grayscale(), CenterByMass(28)))
    with pytest.raises(ModelError, match=r"produces images \(4, 3, 5\), not \(1, 3, 5\)"):
        Preprocessing((1, 3, 5), ())


STEPS = drawing().to_json()["steps"]


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        (None, "must contain shape and steps, and otherwise only version, ink and for_arrays"),
        (
            {"shape": [1, 28, 28]},
            "must contain shape and steps, and otherwise only version, ink and for_arrays",
        ),
        ({"shape": [1, 28, 28], "steps": 3}, "the steps of a preprocessing must be a list"),
        (
            {"shape": [1, 28, 28], "steps": [3]},
            "3 is not a step of a preprocessing; the steps are CompositeAlpha",
        ),
        ({"shape": [1, 28, 28], "steps": [{"kind": "Bend"}]}, "'Bend'} is not a step of a prepro"),
        (
            {"shape": [1, 28], "steps": STEPS, "version": 2},
            r"must be \(1 or 3, H, W\), not \[1, 28\]",
        ),
        ({"shape": [1, 28, 1e9], "steps": STEPS, "version": 2}, r"must be \(1 or 3, H, W\)"),
        ({"shape": [1, 28, 28], "steps": STEPS * 9, "version": 2}, "not 135"),
        ({"shape": [1, 28, 28], "steps": STEPS}, "takes no fields, but got sheet"),
        ({"shape": [1, 28, 28], "steps": [], "version": 3}, "the version of the .* is 3, but this"),
        ({"shape": [1, 28, 28], "steps": [], "version": True}, "the version of the .* is True"),
        ({"shape": [1, 28, 28], "steps": [], "ink": "red"}, "is dark or light, not 'red'"),
        (
            {"shape": [1, 28, 28], "steps": [{"kind": "ScaleToFit", "size": 3}]},
            "a 'ScaleToFit' step takes the fields side, but got size",
        ),
        (
            {"shape": [1, 28, 28], "steps": [{"kind": "Grayscale", "side": 3}]},
            "a 'Grayscale' step takes no fields, but got side",
        ),
        (
            {"shape": [1, 28, 28], "steps": [{"kind": "Downscale", "side": 3, "whole": True}]},
            "a 'Downscale' step takes the fields side, but got side, whole",
        ),
    ],
)
def test_invalid_descriptions_are_rejected(described, sentence):
    with pytest.raises(ModelError, match=sentence):
        Preprocessing.from_json(described)


@pytest.mark.parametrize("kind", ["Denoise", "Downscale", "ScaleToFit", "CenterByMass"])
@pytest.mark.parametrize("side", [0, -1, 4097, 2.0, "8", None, True])
def test_sizes_are_checked(kind, side):
    with pytest.raises(ModelError, match=f"side of {kind} must be an integer from 1 to"):
        KINDS[kind](side)


def test_choices_are_checked():
    with pytest.raises(
        ModelError, match="background of CompositeAlpha must be one of 'white', 'black', 'co"
    ):
        CompositeAlpha("grey")
    with pytest.raises(ModelError, match="keep_aspect of Resize must be one of True, False, not 1"):
        Resize(3, 3, 1)
    with pytest.raises(ModelError, match="width of Resize must be"):
        Resize(3, 0)


def test_steps_defined_elsewhere_are_rejected():
    with pytest.raises(
        ModelError, match="is not a step of a preprocessing; the steps are CompositeAlpha"
    ):
        Preprocessing((1, 8, 8), (abs,))
