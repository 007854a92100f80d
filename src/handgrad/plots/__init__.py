"""Figures. Each function takes plain values and returns a matplotlib `Figure` without showing it.

Labels are integers from 0 to K-1, which are indices of `classes`. If a class name has characters
that are missing from all installed fonts, the number of the class is shown instead, as in "class
3". Images are uint8, or floating point from 0 to 1.
"""

from handgrad.plots.activations import activations
from handgrad.plots.augmented import augmented
from handgrad.plots.calibration import reliability
from handgrad.plots.colours import BLUE, GREEN, ORANGE, VERMILION
from handgrad.plots.compare_engines import differences
from handgrad.plots.curves import learning_curves
from handgrad.plots.grids import confident_mistakes, images, predictions
from handgrad.plots.lines import lines
from handgrad.plots.matrix import confusion
from handgrad.plots.preprocessing import preprocessing
from handgrad.plots.saving import SUFFIXES, rendered, save
from handgrad.plots.timeline import TrialCurve, trial_timeline
from handgrad.plots.weights import first_layer_weights

__all__ = [
    "BLUE",
    "GREEN",
    "ORANGE",
    "SUFFIXES",
    "VERMILION",
    "TrialCurve",
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
    "reliability",
    "rendered",
    "save",
    "trial_timeline",
]
