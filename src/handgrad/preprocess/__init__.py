"""Preprocessing steps, which convert an image to a network's input and are saved with the model."""

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
from handgrad.preprocess.preprocessing import Preprocessing, Step
from handgrad.preprocess.presets import PRESETS, drawing, inverted, light, plain, preset_named
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

__all__ = [
    "PRESETS",
    "Binarize",
    "CenterByMass",
    "CompositeAlpha",
    "CropToInk",
    "Denoise",
    "Downscale",
    "GrayToRGB",
    "Grayscale",
    "Invert",
    "InvertDarkInk",
    "Preprocessing",
    "RemoveLines",
    "Resize",
    "ScaleToFit",
    "Step",
    "StretchContrast",
    "SubtractBackground",
    "UndoUpscale",
    "Upscale",
    "drawing",
    "inverted",
    "light",
    "plain",
    "preset_named",
]
