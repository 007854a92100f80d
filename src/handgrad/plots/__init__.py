"""Figures. Each function takes plain values and returns a matplotlib `Figure`; none shows it.

Labels are whole numbers 0..K-1, the k-th of `classes` being the name; a name that no font at hand
can write becomes its number, "class 3". Pictures are shown as they are stored: uint8, or floating
point from 0 to 1.
"""

from handgrad.plots.augmented import augmented
from handgrad.plots.colours import BLUE, GREEN, ORANGE, VERMILION
from handgrad.plots.curves import learning_curves
from handgrad.plots.duel import differences
from handgrad.plots.functions import activations
from handgrad.plots.grids import confident_mistakes, pictures, predictions
from handgrad.plots.lines import lines
from handgrad.plots.matrix import confusion
from handgrad.plots.preparation import preparation
from handgrad.plots.race import Lap, race
from handgrad.plots.saving import SUFFIXES, rendered, save
from handgrad.plots.trust import reliability
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
    "learning_curves",
    "lines",
    "pictures",
    "predictions",
    "preparation",
    "race",
    "reliability",
    "rendered",
    "save",
]
