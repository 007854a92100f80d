"""Dark edges, frames, boxes and lines around a drawing do not change what is seen."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from handgrad.preprocess import RemoveLines, drawing
from tests.preprocess import specification


def sheet():
    """Draw a seven with a crossbar in the middle of a sheet of 300 x 300 pixels."""
    image = Image.new("L", (300, 300), 225)
    draw = ImageDraw.Draw(image)
    draw.line([(100, 90), (190, 90), (130, 210)], fill=40, width=14, joint="curve")
    return image, draw


AROUND = {
    "edge": lambda draw: draw.rectangle((0, 0, 15, 300), fill=30),
    "two edges": lambda draw: draw.line([(0, 0), (0, 300), (300, 300)], fill=30, width=24),
    "three edges": lambda draw: draw.line(
        [(0, 0), (0, 300), (300, 300), (300, 0)], fill=30, width=24
    ),
    "dark surroundings": lambda draw: draw.rectangle((0, 0, 299, 299), outline=30, width=12),
    "frame": lambda draw: draw.rectangle((4, 4, 295, 295), outline=60, width=2),
    "round frame": lambda draw: draw.rounded_rectangle((6, 6, 294, 294), 30, outline=60, width=2),
    "underline": lambda draw: draw.line((45, 260, 255, 260), fill=50, width=3),
    "inclined underline": lambda draw: draw.line((45, 265, 255, 252), fill=50, width=3),
    "two underlines": lambda draw: [
        draw.line((45, y, 255, y), fill=50, width=2) for y in (245, 258)
    ],
    "line above": lambda draw: draw.line((45, 45, 255, 45), fill=50, width=3),
    "margin": lambda draw: draw.line((40, 0, 40, 300), fill=90, width=2),
    "box": lambda draw: draw.rectangle((45, 45, 255, 255), outline=70, width=3),
    "boxes": lambda draw: [
        draw.rectangle((x, 45, x + 210, 255), outline=70, width=3) for x in (-165, 45, 255)
    ],
    "open box": lambda draw: draw.line(
        [(45, 45), (45, 255), (255, 255), (255, 45)], fill=70, width=3
    ),
    "separate boxes": lambda draw: [
        draw.rectangle((x, 45, x + 210, 255), outline=70, width=3) for x in (-175, 45, 265)
    ],
    "faint frame": lambda draw: draw.rectangle((20, 20, 280, 280), outline=150, width=2),
    "circle": lambda draw: draw.ellipse((30, 30, 270, 270), outline=60, width=2),
}


@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("turn", [0, 1])
def test_what_is_around_a_drawing_is_removed(name, turn):
    image, draw = sheet()
    turned = Image.Resampling.BICUBIC
    expected = drawing(28).apply(np.asarray(image.rotate(turn, turned, fillcolor=225)))
    AROUND[name](draw)
    if name == "dark surroundings" and turn:
        pytest.skip("the corners of a turned image are paper")
    seen = drawing(28).apply(np.asarray(image.rotate(turn, turned, fillcolor=225)))
    moved = [np.roll(seen, (y, x), (1, 2)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    assert min(abs(other.astype(int) - expected).mean() for other in moved) < 4


@pytest.mark.parametrize(
    "line",
    [
        [(30, 40), (100, 40), (60, 130)],  # 7
        [(70, 20), (70, 130)],  # 1
        [(40, 20), (100, 20), (100, 130), (40, 130), (40, 20)],  # a square 0
        [(0, 8), (143, 8), (60, 143)],  # a 7 that touches three edges
        [(4, 9), (134, 9), (134, 70), (9, 70), (9, 134), (140, 134)],  # a 2 that fills the image
    ],
)
def test_the_strokes_of_a_digit_are_kept(line):
    image = Image.new("L", (144, 144), 0)
    ImageDraw.Draw(image).line(line, fill=255, width=12)
    X = np.asarray(image)[:, :, None]
    assert RemoveLines(56)(X) is X


def test_small_images_are_unchanged():
    X = np.zeros((28, 28, 1), np.uint8)
    X[0], X[10:20, 12:14] = 255, 255
    assert RemoveLines(56)(X) is X
    assert RemoveLines(28)(X)[0].max() == 0


points = st.tuples(st.integers(0, 79), st.integers(0, 69))
shapes = st.tuples(st.sampled_from(["line", "rectangle", "ellipse"]), points, points)


@settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(shapes=st.lists(shapes, max_size=6), size=st.sampled_from([(80, 70), (150, 60)]))
def test_lines_are_removed_as_specified(shapes, size):
    image = Image.new("L", size, 0)
    draw = ImageDraw.Draw(image)
    for kind, (x0, y0), (x1, y1) in shapes:
        if kind == "line":
            draw.line((x0, y0, x1, y1), fill=200, width=2)
        else:
            corners = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            getattr(draw, kind)(corners, outline=220, width=1)
    X = np.asarray(image)[:, :, None]
    expected = specification.remove_lines(X.tolist(), 28)
    assert np.array_equal(RemoveLines(28)(X), np.array(expected, np.uint8))
