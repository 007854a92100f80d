import base64
import io

import numpy as np
from PIL import Image

from handgrad.html import data_uri, image_uri


def pixels(source):
    head, _, data = source.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_an_image_keeps_its_colours():
    gray = np.array([[[0, 255], [7, 8]]], np.uint8)
    assert pixels(image_uri(gray))[..., 1].tolist() == gray[0].tolist()
    colour = np.zeros((3, 2, 2), np.float32)
    colour[0] = 1.0
    assert pixels(image_uri(colour))[0, 0].tolist() == [255, 0, 0]


def test_a_data_uri_contains_the_file():
    assert data_uri(b"ab", "text/plain") == "data:text/plain;base64,YWI="
