"""Images that are not digits: letters, scribbles and noise, made from a seed.

Letters and scribbles are drawn in dark ink on a light canvas, and then preprocessed like drawings
of digits.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from handgrad.preprocess import drawing

Images = NDArray[np.uint8]

# Letters that also are the shape of a digit in some font or handwriting, with the digit.
LIKE_DIGITS = {
    **{"O": 0, "o": 0, "D": 0, "Q": 0},
    **{"I": 1, "i": 1, "J": 1, "j": 1, "l": 1},
    **{"Z": 2, "z": 2},
    **{"Y": 4, "y": 4},
    **{"S": 5, "s": 5},
    **{"b": 6, "G": 6},
    **{"B": 8},
    **{"g": 9, "q": 9},
}
LETTERS = [
    letter
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    if letter not in LIKE_DIGITS
]

SIDE = 280  # pixels of a canvas
_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))

# File names of fonts in Debian's packages fonts-dejavu, fonts-liberation, fonts-freefont-ttf,
# fonts-lato, fonts-open-sans, fonts-roboto-unhinted and fonts-linuxlibertine.
FONTS = (
    *("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf", "LiberationSerif-Regular.ttf"),
    *("FreeSans.ttf", "FreeMono.ttf", "Lato-Regular.ttf", "OpenSans-Regular.ttf"),
    *("Roboto-Regular.ttf", "LinLibertine_R.otf"),
)
# Other fonts, with which the score was chosen: from fonts-urw-base35, fonts-crosextra-caladea,
# fonts-crosextra-carlito, fonts-comfortaa and fonts-inconsolata.
OTHER_FONTS = (
    *("C059-Roman.otf", "P052-Roman.otf", "URWBookman-Light.otf", "URWGothic-Book.otf"),
    *("Z003-MediumItalic.otf", "Caladea-Regular.ttf", "Carlito-Regular.ttf"),
    *("Comfortaa-Regular.ttf", "Inconsolata.otf"),
)


@cache
def font_file(name: str) -> Path | None:
    """Return the path of a font, or None if it is not installed."""
    return next((path for folder in _FOLDERS for path in sorted(folder.rglob(name))), None)


def letters(font: Path, copies: int = 3, seed: int = 0) -> Images:
    """Return every letter in one font, (N, 1, 28, 28); stroke width, slant and rotation vary."""
    rng = np.random.default_rng(seed)
    large = ImageFont.truetype(str(font), 170)
    images = []
    for letter in LETTERS:
        for _ in range(copies):
            canvas = Image.new("L", (SIDE, SIDE), 255)
            ImageDraw.Draw(canvas).text(
                *((SIDE / 2, SIDE / 2), letter),
                fill=0,
                font=large,
                anchor="mm",
                stroke_width=int(rng.integers(0, 6)),
            )
            slant, turn = rng.uniform(-0.3, 0.3), rng.uniform(-10, 10)
            shear = (1, slant, -slant * SIDE / 2, 0, 1, 0)
            bilinear = Image.Resampling.BILINEAR
            canvas = canvas.transform(canvas.size, Image.Transform.AFFINE, shear, bilinear, 1, 255)
            images.append(canvas.rotate(turn, bilinear, fillcolor=255))
    return _prepared(images)


def scribbles(count: int, seed: int = 0) -> Images:
    """Return scribbles of one to three smooth random strokes, (N, 1, 28, 28)."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        canvas = Image.new("L", (SIDE, SIDE), 255)
        width = int(rng.integers(8, 26))
        for _ in range(rng.integers(1, 4)):
            corners = rng.uniform(40, SIDE - 40, (int(rng.integers(5, 11)), 2))
            points = _smooth(corners)
            ImageDraw.Draw(canvas).line([*map(tuple, points)], 0, width, joint="curve")
        images.append(canvas)
    return _prepared(images)


def noise(count: int, seed: int = 0) -> dict[str, Images]:
    """Return images of four kinds of noise, (N, 1, 28, 28)."""
    rng = np.random.default_rng(seed)
    uniform = rng.integers(0, 256, (count, 1, 28, 28), np.uint8)
    dots = np.where(rng.random(uniform.shape) < 0.15, 255, 0).astype(np.uint8)
    coarse = rng.integers(0, 256, (count, 1, 7, 7), np.uint8).repeat(4, 2).repeat(4, 3)
    gaussian = np.clip(rng.normal(33, 79, uniform.shape), 0, 255).astype(np.uint8)  # like MNIST
    return {"uniform": uniform, "dots": dots, "coarse": coarse, "Gaussian": gaussian}


def _smooth(corners: NDArray[np.float64], steps: int = 12) -> NDArray[np.float64]:
    """Return points of a Catmull-Rom curve through the corners (N, 2)."""
    P = np.concatenate([corners[:1], corners, corners[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(P[:-3], P[1:-2], P[2:-1], P[3:], strict=True):
        curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
        pieces.append((curve + (3 * b - a - 3 * c + d) * t**3) / 2)
    return np.concatenate(pieces)


def _prepared(images: list[Image.Image]) -> Images:
    preprocessing = drawing(28)
    return np.stack([preprocessing.apply(np.asarray(image)) for image in images])
