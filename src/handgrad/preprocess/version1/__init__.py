"""The steps of version 1, which old model files contain: they resize and blur with Pillow.

They are kept so that an old model gives the same answers as before. New models do not use them.
"""

from handgrad.preprocess.ink import CropToInk
from handgrad.preprocess.steps import Grayscale, GrayToRGB, Invert
from handgrad.preprocess.version1 import background, ink, steps

KINDS = {
    kind.__name__: kind
    for kind in (
        *(steps.CompositeAlpha, Grayscale, GrayToRGB, Invert),
        *(steps.UndoUpscale, steps.Denoise, steps.Downscale, steps.Resize),
        *(background.SubtractBackground, ink.InvertDarkInk, ink.Binarize, CropToInk),
        *(ink.Upscale, ink.ScaleToFit, ink.StretchContrast, ink.CenterByMass),
    )
}
