"""What is done to an image before a network sees it: a value that travels with the model."""

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
from handgrad.preprocess.preprocessing import Preprocessing, Step
from handgrad.preprocess.presets import RECIPES, drawing, inverted, light, plain, recipe_named
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

__all__ = [
    "RECIPES",
    "CentreOfMass",
    "Colours",
    "CropToInk",
    "Denoise",
    "EvenPaper",
    "FitInk",
    "FullInk",
    "Grey",
    "Grow",
    "Invert",
    "LightInk",
    "OnGround",
    "OwnSize",
    "Preprocessing",
    "Resize",
    "Shrink",
    "Step",
    "TwoTones",
    "drawing",
    "inverted",
    "light",
    "plain",
    "recipe_named",
]
