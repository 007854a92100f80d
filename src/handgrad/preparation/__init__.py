"""What is done to a picture before a network sees it: a value that travels with the model."""

from handgrad.preparation.ink import (
    CentreOfMass,
    CropToInk,
    FitInk,
    FullInk,
    Grow,
    LightInk,
    TwoTones,
)
from handgrad.preparation.paper import EvenPaper
from handgrad.preparation.preparation import Preparation, Step
from handgrad.preparation.recipes import RECIPES, drawing, inverted, light, plain, recipe_named
from handgrad.preparation.steps import (
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
    "Preparation",
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
