import base64
import io

import numpy as np
from PIL import Image

from handgrad.html import address, image


def pixels(source):
    head, _, data = source.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_a_image_keeps_its_colours():
    gray = np.array([[[0, 255], [7, 8]]], np.uint8)
    assert pixels(image(gray))[..., 1].tolist() == gray[0].tolist()
    colour = np.zeros((3, 2, 2), np.float32)
    colour[0] = 1.0
    assert pixels(image(colour))[0, 0].tolist() == [255, 0, 0]


def test_an_address_holds_the_file():
    assert address(b"ab", "text/plain") == "data:text/plain;base64,YWI="
