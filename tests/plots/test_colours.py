"""The colours are legible, and can be distinguished with any colour vision."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from handgrad import plots
from tests.plots.figure_checks import contrast, linear

# G. Machado et al. 2009, "A physiologically-based model for simulation of color vision
# deficiency", table 1, severity 1: protanopia, deuteranopia, tritanopia.
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(rgb):
    """Convert linear RGB to CIE L*a*b* (D65)."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    t = to_xyz @ np.clip(rgb, 0, 1) / (0.9505, 1, 1.089)
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize(
    "pair", [(plots.GREEN, plots.VERMILION), (plots.BLUE, plots.ORANGE)], ids=["correct", "curves"]
)
def test_colours_are_distinguishable_with_colour_blindness(blindness, pair):
    one, other = (lab(BLINDNESS[blindness] @ linear(to_rgb(colour))) for colour in pair)
    difference = np.linalg.norm(one - other)
    assert difference > 20, f"a difference of {difference:.0f}; 2.3 can just be noticed"


@pytest.mark.parametrize("colour", [plots.GREEN, plots.VERMILION])
def test_coloured_text_is_legible_on_white(colour):
    assert contrast(colour, "white") >= 4.5
