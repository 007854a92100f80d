"""The calls of the preprocessing in C, and the size of its memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handgrad.errors import ModelError
from handgrad.preprocess import (
    Binarize,
    CenterByMass,
    CompositeAlpha,
    CropToInk,
    Denoise,
    Downscale,
    Grayscale,
    GrayToRGB,
    Invert,
    InvertDarkInk,
    Preprocessing,
    RemoveLines,
    Resize,
    ScaleToFit,
    StretchContrast,
    SubtractBackground,
    UndoUpscale,
    Upscale,
)

MAX_SIDE = 96  # pixels: the height and width of the largest raw image, unless the user defines it

STEPS: dict[type[Any], Callable[[Any], str]] = {
    Grayscale: lambda _: "grayscale(&image)",
    GrayToRGB: lambda _: "gray_to_rgb(&image)",
    Invert: lambda _: "invert(&image)",
    UndoUpscale: lambda _: "undo_upscale(w, &image)",
    Denoise: lambda step: f"denoise(w, &image, {step.side})",
    Downscale: lambda step: f"downscale(w, &image, {step.side})",
    Resize: lambda step: (
        f"resize_within(w, &image, {step.height}, {step.width})"
        if step.keep_aspect
        else f"filtered(w, &image, HG_RESIZE, {step.height}, {step.width})"
    ),
    InvertDarkInk: lambda step: f"invert_dark_ink(&image, {int(step.sheet)})",
    SubtractBackground: lambda step: f"subtract_background(w, &image, {step.max_noise})",
    RemoveLines: lambda step: f"remove_lines(w, &image, {step.min_side})",
    CropToInk: lambda _: "crop_to_ink(&image)",
    Upscale: lambda step: f"upscale(w, &image, {step.min_side}, {step.side})",
    Binarize: lambda step: f"binarize(w, &image, {step.min_side}, {step.speck})",
    ScaleToFit: lambda step: f"scale_to_fit(w, &image, {step.side})",
    StretchContrast: lambda _: "stretch_contrast(&image)",
    CenterByMass: lambda step: f"center_by_mass(w, &image, {step.side})",
}
_GREY = (InvertDarkInk, SubtractBackground, RemoveLines, Upscale, Binarize)
_CLEANED = (SubtractBackground, RemoveLines)  # after these steps, what is light is ink
_BEHIND = {"white": 255, "black": 0, "contrast": -1}


def check(preprocessing: Preprocessing) -> None:
    """Raise a ModelError if C cannot do a preprocessing."""
    if preprocessing.version == 1:
        raise ModelError(
            "the preprocessing of this model is of an old version, for which there is no C code; "
            "run handgrad upgrade first"
        )
    first, *rest = preprocessing.steps or (None,)
    if not isinstance(first, CompositeAlpha):
        raise ModelError("in C, the first step of a preprocessing must be CompositeAlpha")
    is_grey = False
    for step in rest:
        name = type(step).__name__
        if isinstance(step, _GREY) and not is_grey:
            raise ModelError(f"in C, the step {name} must come after the step Grayscale")
        if type(step) not in STEPS and not isinstance(step, CompositeAlpha):
            raise ModelError(f"there is no C code for the step {name} of the preprocessing")
        is_grey = (is_grey or isinstance(step, Grayscale)) and not isinstance(step, GrayToRGB)


def prepare(preprocessing: Preprocessing) -> str:
    """Return the function that prepares a raw image, and finds problems as `check` does."""
    first, *rest = preprocessing.steps
    assert isinstance(first, CompositeAlpha), "checked above"
    cleaned = [k for k, step in enumerate(rest) if isinstance(step, _CLEANED)]
    calls = [
        f"hg_composite_alpha(pixels, height, width, channels, {_BEHIND[first.background]}, &image);"
    ]
    for k, step in enumerate(rest):
        if not isinstance(step, CompositeAlpha):  # a second one changes nothing
            calls.append(f"hg_{STEPS[type(step)](step)};")
        if [k] == cleaned[-1:]:
            calls.append("problem = hg_problem_of_drawing(w, &image);")
    calls += [
        "for (int c = 0; c < HG_CHANNELS; c++) {",
        "    for (int k = 0; k < HG_HEIGHT * HG_WIDTH; k++) {",
        "        X[c * HG_HEIGHT * HG_WIDTH + k] = image.data[k * HG_CHANNELS + c];",
        "    }",
        "}",
    ]
    inverts = any(isinstance(step, InvertDarkInk) for step in rest)
    if not cleaned and (inverts or preprocessing.ink):
        calls.append("if (hg_is_blank(&image)) problem = HG_NOTHING_DRAWN;")
        if not inverts:
            opposite = 1 if preprocessing.ink == "dark" else -1
            calls += [
                "hg_grayscale(&image);",
                f"if (problem == HG_NO_REASON && hg_ink_of(&image) == {opposite}) "
                "problem = HG_OPPOSITE_POLARITY;",
            ]
    body = "\n".join(f"    {call}" for call in calls)
    return f"""/* See the declaration above. */
int hg_prepare(
    const uint8_t *pixels, int height, int width, int channels, uint8_t X[HG_INPUTS],
    hg_workspace *workspace) {{
    hg_preprocessing *const w = &workspace->memory.preprocessing;
    hg_reason problem = HG_NO_REASON;
    hg_image image;
    if (height < 1 || height > HG_MAX_HEIGHT || width < 1 || width > HG_MAX_WIDTH) return -1;
    if (channels < 1 || channels > HG_MAX_CHANNELS) return -1;
    image.data = w->images[0];
    w->spare[0] = w->images[1];
    w->spare[1] = w->images[2];
{body}
    return (int)problem;
}}"""


def constants(preprocessing: Preprocessing, height: int, width: int) -> str:
    """Return the constants that determine the memory of the preprocessing.

    Args:
        preprocessing: the preprocessing.
        height: the height of the largest raw image, unless the user defines it.
        width: its width.
    """
    side = _side(preprocessing)
    colours = 3 if _has_colours(preprocessing) else 1
    cells = 128 if any(isinstance(step, _CLEANED) for step in preprocessing.steps) else 1
    return f"""/* The largest raw image. Define other sizes before you include this file. */
#ifndef HG_MAX_HEIGHT
#define HG_MAX_HEIGHT {height}
#endif
#ifndef HG_MAX_WIDTH
#define HG_MAX_WIDTH {width}
#endif
#ifndef HG_MAX_CHANNELS
#define HG_MAX_CHANNELS 4 /* with 1 (grey), the images need a third of the memory */
#endif

/* The largest image during the preprocessing. */
#define HG_ROWS (HG_MAX_HEIGHT > {side} ? HG_MAX_HEIGHT : {side})
#define HG_COLUMNS (HG_MAX_WIDTH > {side} ? HG_MAX_WIDTH : {side})
#define HG_SIDE (HG_ROWS > HG_COLUMNS ? HG_ROWS : HG_COLUMNS)
#define HG_COLOURS (HG_MAX_CHANNELS > 2 ? 3 : {colours})
#define HG_CELLS_SIDE {cells}
#define HG_CELLS \\
    ((HG_ROWS > HG_CELLS_SIDE ? HG_CELLS_SIDE : HG_ROWS) * \\
     (HG_COLUMNS > HG_CELLS_SIDE ? HG_CELLS_SIDE : HG_COLUMNS))"""


def memory(preprocessing: Preprocessing, height: int, width: int, channels: int) -> int:
    """Return the bytes that preparing raw images of this size needs, without pointers."""
    side = _side(preprocessing)
    rows, columns = max(height, side), max(width, side)
    colours = 3 if channels > 2 or _has_colours(preprocessing) else 1
    cells = 128 if any(isinstance(step, _CLEANED) for step in preprocessing.steps) else 1
    filters = 4 * (max(rows, columns) + rows + columns)
    return filters + 4 * min(rows, cells) * min(columns, cells) + 3 * rows * columns * colours


def _has_colours(preprocessing: Preprocessing) -> bool:
    return any(isinstance(step, GrayToRGB) for step in preprocessing.steps)


def _side(preprocessing: Preprocessing) -> int:
    """Return the largest side that a step may give to a smaller image."""
    sides = [1]
    for step in preprocessing.steps:
        if isinstance(step, Resize):
            sides += [step.height, step.width]
        if isinstance(step, Upscale):
            sides += [step.side, step.min_side + 1]
        if isinstance(step, ScaleToFit | CenterByMass):
            sides.append(step.side)
    return max(sides)
