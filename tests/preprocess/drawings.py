"""A synthetic drawing for the tests."""

import numpy as np
from PIL import Image, ImageDraw


def seven(size=(200, 240), at=(30, 90), ink=0, paper=255, width=9):
    """Draw a seven at some position on a white sheet."""
    image = Image.new("L", size, paper)
    x, y = at
    line = [(x, y), (x + 60, y), (x + 20, y + 100)]
    ImageDraw.Draw(image).line(line, fill=ink, width=width, joint="curve")
    return np.asarray(image)[:, :, None]
