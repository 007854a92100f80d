import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from handgrad.errors import DataError, ModelError
from handgrad.preprocess import (
    RECIPES,
    CentreOfMass,
    Grey,
    OnGround,
    Preprocessing,
    Resize,
    drawing,
)
from handgrad.preprocess.preprocessing import KINDS

SHAPES = {"plain": (3, 9, 7), "light": (1, 9, 7), "drawing": (1, 28, 28)}


@pytest.mark.parametrize("name", RECIPES)
@given(
    image=arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)),
        elements=st.integers(0, 255),
        fill=st.sampled_from([0, 128, 255]),
    )
)
def test_every_image_comes_out_in_shape(name, image):
    prepare = RECIPES[name](SHAPES[name])
    before = image.copy()
    seen = prepare.apply(image)
    assert (seen.shape, seen.dtype) == (SHAPES[name], np.uint8)
    assert seen.flags.c_contiguous
    assert np.array_equal(image, before)
    assert not np.shares_memory(seen, image)


@pytest.mark.parametrize("name", RECIPES)
def test_json_gives_it_back(name):
    prepare = RECIPES[name](SHAPES[name])
    assert Preprocessing.from_json(json.loads(json.dumps(prepare.to_json()))) == prepare


def test_json_names_each_step_with_its_settings():
    prepare = Preprocessing((1, 4, 6), (OnGround("black"), Grey(), Resize(4, 6, keep=False)))
    assert prepare.to_json() == {
        "shape": [1, 4, 6],
        "steps": [
            {"kind": "OnGround", "ground": "black"},
            {"kind": "Grey"},
            {"kind": "Resize", "height": 4, "width": 6, "keep": False},
        ],
    }


def test_a_setting_that_came_later_is_left_out_where_files_never_had_it():
    before = {"shape": [1, 9, 9], "steps": [{"kind": "TwoTones", "least": 5}]}
    grey = [{"kind": "Grey"}, {"kind": "CentreOfMass", "side": 9}]
    before["steps"] += grey
    assert Preprocessing.from_json(before).to_json() == before
    now = {"shape": [1, 9, 9], "steps": [{"kind": "TwoTones", "least": 5, "speck": 4}, *grey]}
    assert Preprocessing.from_json(now).to_json() == now


def test_stages_show_the_way():
    stages = drawing(28).stages(np.full((40, 30), 255, np.uint8))
    assert [title for title, _ in stages] == [
        *("raw", "on its ground", "grey", "own size", "denoised", "shrunk", "light ink"),
        *("even paper", "cropped", "grown", "two tones", "cropped", "fitted", "full ink"),
        "centred",
    ]
    assert stages[0][1].shape == (40, 30, 1)
    assert stages[-1][1].shape == (28, 28, 1)


@pytest.mark.parametrize(
    "image", [np.zeros(3, np.uint8), np.zeros((2, 2)), np.zeros((2, 2, 5), np.uint8), [[]]]
)
def test_what_is_no_image(image):
    with pytest.raises(DataError, match=r"an image must be uint8 \(H, W\) or \(H, W, C\) with 1"):
        drawing().apply(image)


def test_steps_that_do_not_lead_to_the_shape():
    with pytest.raises(ModelError, match=r"ends in images \(1, 28, 28\), not \(1, 8, 8\); add"):
        Preprocessing((1, 8, 8), (OnGround(), Grey(), CentreOfMass(28)))
    with pytest.raises(ModelError, match=r"ends in images \(4, 3, 5\), not \(1, 3, 5\)"):
        Preprocessing((1, 3, 5), ())


STEPS = drawing().to_json()["steps"]


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        (None, "is described by its shape and its steps alone"),
        ({"shape": [1, 28, 28]}, "is described by its shape and its steps alone"),
        ({"shape": [1, 28, 28], "steps": 3}, "the steps of a preprocessing must be a list"),
        (
            {"shape": [1, 28, 28], "steps": [3]},
            "3 is no step of a preprocessing; there are OnGround",
        ),
        ({"shape": [1, 28, 28], "steps": [{"kind": "Bend"}]}, "'Bend'} is no step of a prepara"),
        ({"shape": [1, 28], "steps": STEPS}, r"must be \(1 or 3, H, W\), not \[1, 28\]"),
        ({"shape": [1, 28, 1e9], "steps": STEPS}, r"must be \(1 or 3, H, W\)"),
        ({"shape": [1, 28, 28], "steps": STEPS * 9}, "at most 32 steps, not 126"),
        (
            {"shape": [1, 28, 28], "steps": [{"kind": "FitInk", "size": 3}]},
            "a step FitInk has side, not size",
        ),
        (
            {"shape": [1, 28, 28], "steps": [{"kind": "Grey", "side": 3}]},
            "a step Grey has no settings, not side",
        ),
        (
            {"shape": [1, 28, 28], "steps": [{"kind": "Shrink", "side": 3, "whole": True}]},
            "a step Shrink has side, not side, whole",
        ),
    ],
)
def test_what_describes_no_preprocessing(described, sentence):
    with pytest.raises(ModelError, match=sentence):
        Preprocessing.from_json(described)


@pytest.mark.parametrize("kind", ["Denoise", "Shrink", "FitInk", "CentreOfMass"])
@pytest.mark.parametrize("side", [0, -1, 4097, 2.0, "8", None, True])
def test_sizes_are_checked(kind, side):
    with pytest.raises(ModelError, match=f"side of {kind} must be a whole number of pixels, 1 to"):
        KINDS[kind](side)


def test_words_are_checked():
    with pytest.raises(ModelError, match="ground of OnGround must be one of 'white', 'black', 'co"):
        OnGround("grey")
    with pytest.raises(ModelError, match="keep of Resize must be one of True, False, not 1"):
        Resize(3, 3, 1)
    with pytest.raises(ModelError, match="width of Resize must be"):
        Resize(3, 0)


def test_a_step_of_ones_own_cannot_be_written_down():
    with pytest.raises(ModelError, match="is no step of a preprocessing; there are OnGround, Grey"):
        Preprocessing((1, 8, 8), (abs,))
