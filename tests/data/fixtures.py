"""Image files of unusual kinds, and the expected pixels or error of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

# All rotations and reflections of this image differ.
SMALL = np.uint8([[10, 0, 255], [200, 100, 50]])
COLOURS = np.stack([SMALL, 255 - SMALL, SMALL // 2], axis=2)
INK = np.uint8([[[0, 255], [0, 0]], [[0, 0], [0, 128]]])  # dark, with alpha

TURNS = {  # by EXIF orientation
    1: lambda X: X,
    2: np.fliplr,
    3: lambda X: np.rot90(X, 2),
    4: np.flipud,
    5: lambda X: X.swapaxes(0, 1),
    6: lambda X: np.rot90(X, -1),
    7: lambda X: np.rot90(X, 2).swapaxes(0, 1),
    8: np.rot90,
}


def write(folder: Path) -> dict[str, tuple[Path, Any]]:
    """Write the files, and return the path and the expected result of each."""
    rgba = INK[:, :, [0, 0, 0, 1]]
    light = rgba.copy()
    light[:, :, :3] = 255
    palette = Image.new("P", (3, 2))
    palette.putdata([0, 1, 2, 2, 1, 0])
    palette.putpalette([10, 20, 30, 200, 100, 0, 5, 5, 250])
    colours = np.uint8([[10, 20, 30], [200, 100, 0], [5, 5, 250]])
    seen_through = np.column_stack([colours, np.uint8([255, 0, 255])])
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    frames = [Image.fromarray(SMALL), Image.fromarray(255 - SMALL)]
    deep = np.clip(SMALL.astype(np.int64) * 257 + 100, 0, 65535).astype(np.uint16)
    bits = np.array([[True, False, True], [False, True, True]])
    made: dict[str, tuple[Image.Image, dict[str, Any], Any]] = {
        "rgba-dark.png": (Image.fromarray(rgba), {}, rgba),
        "rgba-light.png": (Image.fromarray(light), {}, light),
        "la.png": (Image.fromarray(INK), {}, INK),
        "palette.png": (palette, {}, colours[[[0, 1, 2], [2, 1, 0]]]),
        "palette-transparent.png": (
            palette,
            {"transparency": 1},
            seen_through[[[0, 1, 2], [2, 1, 0]]],
        ),
        "one-bit.png": (Image.fromarray(bits), {}, bits * np.uint8(255)),
        "sixteen-bit.png": (Image.fromarray(deep), {}, SMALL),
        "cmyk.jpg": (cmyk, {"quality": 100}, np.full((8, 8, 3), [255, 0, 0], np.uint8)),
        "animated.gif": (
            frames[0],
            {"save_all": True, "append_images": frames[1:]},
            np.dstack([SMALL] * 3),
        ),
        "one-pixel.png": (Image.fromarray(SMALL[:1, :1]), {}, SMALL[:1, :1]),
        "line.png": (Image.new("L", (10_000, 1), 7), {}, np.full((1, 10_000), 7, np.uint8)),
        "colours.bmp": (Image.fromarray(COLOURS), {}, COLOURS),
        "empty.png": (Image.new("L", (1, 1)), {}, "cannot be read (the file is empty"),
        "cut.png": (Image.fromarray(COLOURS), {}, "cannot be read ("),
        "bomb.png": (
            Image.new("1", (9000, 9000)),
            {},
            "the image is too large to be decoded safely; ma",
        ),
    }
    written = {}
    for name, (image, options, shows) in made.items():
        image.save(folder / name, **options)
        written[name] = (folder / name, shows)
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:-30])
    for turn, turned in TURNS.items():
        exif = Image.Exif()
        exif[0x0112] = turn
        Image.fromarray(SMALL).save(folder / f"exif-{turn}.png", exif=exif)
        written[f"exif-{turn}.png"] = (folder / f"exif-{turn}.png", turned(SMALL))
    return written
