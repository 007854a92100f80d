"""Blank sheets and swapped polarity are recognised."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handgrad.preprocess import drawing, light, plain
from tests.preprocess.drawings import seven

SHADE = np.linspace(0, 60, 300).astype(np.uint8)[None, :]
BLANK = {
    "white": np.full((300, 300), 255, np.uint8),
    "grey": np.full((200, 300), 185, np.uint8),
    "shaded": np.repeat(225 - SHADE, 280, axis=0),
    "dark": np.full((28, 28), 12, np.uint8),
    "grainy": np.random.default_rng(0).normal(200, 5, (300, 300)).clip(0, 255).astype(np.uint8),
    "transparent": np.zeros((90, 80, 4), np.uint8),
}


def around(*boxes, size=(300, 300)):
    """Draw dark rectangles on a grey sheet, with a little noise as in a photograph."""
    image = Image.new("L", size, 210)
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=40)
    noise = np.random.default_rng(0).integers(-3, 4, size[::-1])
    return (np.asarray(image) + noise).astype(np.uint8)


EMPTY = {
    "dark edge": around((0, 0, 20, 300)),
    "two dark edges": around((0, 0, 20, 300), (0, 270, 300, 300)),
    "four dark edges": around(
        (0, 0, 20, 300), (0, 270, 300, 300), (280, 0, 300, 300), (0, 0, 300, 9)
    ),
}


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize("turns", range(4))
def test_a_sheet_with_dark_edges_has_nothing_drawn(name, turns):
    assert drawing(28).problem(np.rot90(EMPTY[name], turns)) == "nothing drawn"


@pytest.mark.parametrize("turns", range(2))
def test_a_fold_is_a_line_across_the_image(turns):
    fold = np.rot90(around((140, 0, 144, 300)), turns)
    assert drawing(28).problem(fold) == "lines across the image"
    assert drawing(28).problem(np.rot90(around((140, 60, 150, 240)), turns)) is None  # a 1


@pytest.mark.parametrize("name", BLANK)
def test_a_blank_sheet_has_nothing_drawn(name):
    assert drawing(28).problem(BLANK[name]) == "nothing drawn"


def test_a_uniform_image_has_nothing_drawn():
    assert plain((3, 9, 9)).problem(BLANK["grey"]) is None  # it may be of a class "sky"
    for preprocessing in (light((1, 28, 28)), replace(plain((3, 9, 9)), ink="dark")):
        assert preprocessing.problem(BLANK["grey"]) == "nothing drawn"
        assert preprocessing.problem(seven(width=20)) is None


def test_a_drawing_has_no_problem():
    for X in (seven(), 255 - seven(), seven(ink=150, paper=210), seven()[80:200, 20:100]):
        found, problem = drawing(28).check(X)
        assert problem is None
        assert np.array_equal(found, drawing(28).apply(X))


def test_squared_paper_that_cannot_be_removed_is_noticed():
    X = 255 - seven(width=14)[:, :, 0].repeat(2, axis=0).repeat(2, axis=1)
    y, x = np.indices(X.shape)
    X[((y + x // 20) % 50 < 3) | ((x - y // 20) % 50 < 3)] = 200  # inclined by 3 degrees
    assert drawing(28).problem(255 - X) == "lines across the image"


def test_the_opposite_polarity_is_noticed():
    dark = replace(plain((1, 28, 28)), ink="dark")
    assert dark.problem(seven(width=20)) is None
    assert dark.problem(255 - seven(width=20)) == "opposite polarity"
    assert plain((1, 28, 28)).problem(255 - seven(width=20)) is None
    assert replace(light((1, 28, 28)), ink="light").problem(seven(width=20)) is None
