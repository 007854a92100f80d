"""The presets of preprocessing: plain, light and drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handgrad.errors import ConfigError, ModelError, did_you_mean
from handgrad.preprocess.background import SubtractBackground
from handgrad.preprocess.ink import (
    Binarize,
    CenterByMass,
    CropToInk,
    InvertDarkInk,
    ScaleToFit,
    StretchContrast,
    Upscale,
)
from handgrad.preprocess.lines import RemoveLines
from handgrad.preprocess.pixels import Background, divided
from handgrad.preprocess.preprocessing import Preprocessing
from handgrad.preprocess.steps import (
    CompositeAlpha,
    Denoise,
    Downscale,
    Grayscale,
    GrayToRGB,
    Invert,
    Resize,
    UndoUpscale,
)


def plain(
    shape: tuple[int, int, int], *, keep_aspect: bool = True, background: Background = "contrast"
) -> Preprocessing:
    """Return a preprocessing for any image: it removes transparency, converts channels and resizes.

    Args:
        shape: the shape of the images that the network takes, (C, H, W), with C = 1 for grey and 3
            for colour.
        keep_aspect: whether to keep the aspect ratio and pad the image, instead of stretching it.
        background: the background colour behind transparent pixels.

    Raises:
        ModelError: if no preprocessing can produce this shape.
    """
    C, H, W = shape
    channels = Grayscale() if C == 1 else GrayToRGB()
    return Preprocessing(shape, (CompositeAlpha(background), channels, Resize(H, W, keep_aspect)))


def light(shape: tuple[int, int, int]) -> Preprocessing:
    """Return a preprocessing for grey images of light objects on a dark background.

    Images of dark objects on a light background are inverted.

    Args:
        shape: the shape of the images that the network takes, (1, H, W).

    Raises:
        ModelError: if no preprocessing can produce this shape.
    """
    _, H, W = shape
    steps = (CompositeAlpha(), Grayscale(), InvertDarkInk(), Resize(H, W))
    return Preprocessing(shape, steps)


def drawing(side: int = 28, box: int | None = None) -> Preprocessing:
    """Return MNIST's preprocessing, for drawings and photographs of a single character.

    The ink becomes light and the paper black. The bounding box of the ink is scaled to fit a
    square of five sevenths of the image's side length, and placed with its centre of mass in the
    middle.

    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), "Gradient-based learning applied to document
    recognition", section III.A.

    Args:
        side: the height and width of the images that the network takes, in pixels.
        box: the side of the square that the ink is scaled to fit, or None for five sevenths of
            `side`.

    Raises:
        ModelError: if a side is out of range.
    """
    box = max(1, divided(5 * side, 7)) if box is None else box
    steps = (
        *(CompositeAlpha(), Grayscale(), UndoUpscale()),
        *(Denoise(5 * side), Downscale(32 * side)),
        InvertDarkInk(sheet=True),
        *(SubtractBackground(32), RemoveLines(2 * side), CropToInk()),
        *(
            Upscale(max(1, side // 2), 4 * box),
            Binarize(2 * box, 4),
            CropToInk(),
            ScaleToFit(box),
            StretchContrast(),
        ),
        CenterByMass(side),
    )
    return Preprocessing((1, side, side), steps)


def preset_named(name: str, shape: tuple[int, ...]) -> Preprocessing:
    """Return the preset with the given name.

    Args:
        name: "plain"; "light", for light objects on a dark background; or "drawing".
        shape: the shape of the images that the network takes.

    Raises:
        ConfigError: if there is no preset with this name.
        ModelError: if the preset cannot produce this shape.
    """
    if name not in PRESETS:
        raise ConfigError(
            f"there is no preprocessing called {name!r}; choose from {', '.join(PRESETS)}"
            f"{did_you_mean(name, PRESETS)}"
        )
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ModelError(f"an image has 1 or 3 channels, but the network takes {shape}")
    if name != "plain" and (shape[0] != 1 or (name == "drawing" and shape[1] != shape[2])):
        raise ModelError(
            f"the preprocessing {name} produces {'square ' * (name == 'drawing')}grey images, but "
            f"the network takes {shape}; choose plain"
        )
    C, H, W = shape
    return PRESETS[name]((C, H, W))


def inverted(preprocessing: Preprocessing) -> Preprocessing:
    """Return a copy of a preprocessing that also inverts the image after removing transparency.

    Raises:
        ConfigError: if a step makes the ink light in any case, so that inverting has no effect.
    """
    if any(type(step).__name__ == "InvertDarkInk" for step in preprocessing.steps):
        raise ConfigError(
            "invert has no effect, because the preprocessing finds out by itself whether an image "
            "has dark or light ink; remove invert, or choose the preprocessing plain"
        )
    composites = [type(step).__name__ == "CompositeAlpha" for step in preprocessing.steps]
    position = composites.index(True) + 1 if True in composites else 0
    steps = preprocessing.steps
    return replace(preprocessing, steps=(*steps[:position], Invert(), *steps[position:]))


def _drawing(shape: tuple[int, int, int]) -> Preprocessing:
    return drawing(shape[1])


PRESETS: dict[str, Callable[[tuple[int, int, int]], Preprocessing]] = {
    "plain": plain,
    "light": light,
    "drawing": _drawing,
}
