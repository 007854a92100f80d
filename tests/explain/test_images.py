import base64
import io

import numpy as np
import pytest
from PIL import Image

from handgrad.explain.images import MAX_IMAGES, tiles


def pixels(source):
    head, _, data = source.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_arrays_without_negative_numbers_are_shown_in_gray():
    array = np.zeros((1, 2, 2, 3))
    array[0, 1, 0, 2] = 5.0
    shown = tiles(array)
    assert (len(shown.sources), shown.scale, shown.left_out) == (2, "black 0, white 5", 0)
    assert (shown.width, shown.height) == (84, 56)
    second = pixels(shown.sources[1])
    assert second[0, 2].tolist() == [255, 255, 255]
    assert second.sum() == 3 * 255


def test_positive_and_negative_numbers_have_different_colours():
    shown = tiles(np.array([-2.0, 0.0, 4.0, -4.0]).reshape(1, 1, 2, 2))
    assert shown.scale == "blue −4, white 0, orange 4"
    assert pixels(shown.sources[0]).tolist() == [
        [[128, 184, 216], [255, 255, 255]],
        [[213, 94, 0], [0, 114, 178]],
    ]


def test_all_zero_is_black_and_too_many_are_counted():
    shown = tiles(np.zeros((8, 9, 2, 2)))
    assert (len(shown.sources), shown.left_out) == (MAX_IMAGES, 72 - MAX_IMAGES)
    assert not pixels(shown.sources[0]).any()


@pytest.mark.parametrize("shape", [(1, 10), (3,), (1, 4, 1, 5), (2, 3, 4)])
def test_an_array_that_is_not_an_image_has_no_tiles(shape):
    assert tiles(np.zeros(shape)) is None
