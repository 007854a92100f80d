"""Figures. Each function takes plain values and returns a matplotlib `Figure`; none shows it.

Labels are whole numbers 0..K-1, the k-th of `classes` being the name; a name that no font at hand
can write becomes its number, "class 3". Images are shown as they are stored: uint8, or floating
point from 0 to 1.
"""

from handgrad.plots.augmented import augmented
from handgrad.plots.benchmark import Lap, race
from handgrad.plots.calibration import reliability
from handgrad.plots.colours import BLUE, GREEN, ORANGE, VERMILION
from handgrad.plots.compare_engines import differences
from handgrad.plots.curves import learning_curves
from handgrad.plots.functions import activations
from handgrad.plots.grids import confident_mistakes, images, predictions
from handgrad.plots.lines import lines
from handgrad.plots.matrix import confusion
from handgrad.plots.preprocessing import preprocessing
from handgrad.plots.saving import SUFFIXES, rendered, save
from handgrad.plots.weights import first_layer_weights

__all__ = [
    "BLUE",
    "GREEN",
    "ORANGE",
    "SUFFIXES",
    "VERMILION",
    "Lap",
    "activations",
    "augmented",
    "confident_mistakes",
    "confusion",
    "differences",
    "first_layer_weights",
    "images",
    "learning_curves",
    "lines",
    "predictions",
    "preprocessing",
    "race",
    "reliability",
    "rendered",
    "save",
]
