"""Preprocessing with a name."""

from __future__ import annotations

from collections.abc import Callable

from handgrad.errors import ConfigError, ModelError
from handgrad.preprocess.background import EvenPaper
from handgrad.preprocess.ink import (
    CentreOfMass,
    CropToInk,
    FitInk,
    FullInk,
    Grow,
    LightInk,
    TwoTones,
)
from handgrad.preprocess.pixels import Ground
from handgrad.preprocess.preprocessing import Preprocessing
from handgrad.preprocess.steps import (
    Colours,
    Denoise,
    Grey,
    Invert,
    OnGround,
    OwnSize,
    Resize,
    Shrink,
)


def plain(
    shape: tuple[int, int, int], *, keep: bool = True, ground: Ground = "contrast"
) -> Preprocessing:
    """Return the preprocessing for images of anything: a ground, the channels, the size.

    Args:
        shape: what the network takes, (C, H, W), C being 1 for grey and 3 for colours.
        keep: whether an image keeps its proportions, or is stretched.
        ground: what shows through where it is transparent.

    Raises:
        ModelError: if a preprocessing cannot give this shape.
    """
    C, H, W = shape
    channels = Grey() if C == 1 else Colours()
    return Preprocessing(shape, (OnGround(ground), channels, Resize(H, W, keep)))


def light(shape: tuple[int, int, int]) -> Preprocessing:
    """Return the plain preprocessing for grey images of light things on dark ground.

    Args:
        shape: what the network takes, (1, H, W).

    Raises:
        ModelError: if a preprocessing cannot give this shape.
    """
    _, H, W = shape
    return Preprocessing(shape, (OnGround(), Grey(), LightInk(), Resize(H, W)))


def drawing(side: int = 28) -> Preprocessing:
    """Return MNIST's own preprocessing, for drawings and photographs of a character.

    The ink becomes light, the paper black; the box of the ink is scaled into a square of five
    sevenths of the side, in its proportions, and placed by its centre of mass.

    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), "Gradient-based learning applied to document
    recognition", section III.A.

    Args:
        side: that of the image a network takes, in pixels.

    Raises:
        ModelError: if it is no such number.
    """
    box = max(1, round(side * 20 / 28))
    steps = (
        *(OnGround(), Grey(), OwnSize(), Denoise(5 * side), Shrink(32 * side), LightInk()),
        *(EvenPaper(32), CropToInk(), Grow(max(1, side // 2), 4 * box), TwoTones(2 * box, 4)),
        *(CropToInk(), FitInk(box), FullInk(), CentreOfMass(side)),
    )
    return Preprocessing((1, side, side), steps)


def recipe_named(name: str, shape: tuple[int, ...]) -> Preprocessing:
    """Return the preprocessing of that name.

    Args:
        name: "plain"; "light", for light things on dark ground; "drawing".
        shape: what the network takes.

    Raises:
        ConfigError: if there is none.
        ModelError: if it cannot give this shape.
    """
    if name not in RECIPES:
        raise ConfigError(f"there is no recipe called {name!r}; there are {', '.join(RECIPES)}")
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ModelError(f"an image has 1 or 3 channels, but the network takes {shape}")
    if name != "plain" and (shape[0] != 1 or (name == "drawing" and shape[1] != shape[2])):
        raise ModelError(
            f"the recipe {name} gives {'square ' * (name == 'drawing')}grey images, but the "
            f"network takes {shape}; choose plain"
        )
    C, H, W = shape
    return RECIPES[name]((C, H, W))


def inverted(preprocessing: Preprocessing) -> Preprocessing:
    """Return the same with light and dark swapped once the ground has been laid."""
    ground = [isinstance(step, OnGround) for step in preprocessing.steps]
    at = ground.index(True) + 1 if True in ground else 0
    steps = preprocessing.steps
    return Preprocessing(preprocessing.shape, (*steps[:at], Invert(), *steps[at:]))


def _drawing(shape: tuple[int, int, int]) -> Preprocessing:
    return drawing(shape[1])


RECIPES: dict[str, Callable[[tuple[int, int, int]], Preprocessing]] = {
    "plain": plain,
    "light": light,
    "drawing": _drawing,
}
