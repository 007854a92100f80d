"""The figure of the preprocessing shows exactly those steps that changed the image."""

from __future__ import annotations

import numpy as np

from handgrad import plots
from handgrad.preprocess import drawing
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping


def titles(figure):
    return [axes.get_title().rpartition(" ")[0] for axes in figure.axes]


def test_steps_without_changes_are_left_out():
    sheet = np.full((60, 50), 255, np.uint8)
    sheet[20:41, 10:21] = 0
    sheet[25, 12] = 128
    way = drawing(28).stages(sheet)
    figure = plots.preprocessing([way])
    assert titles(figure) == ["raw", "dark ink inverted", "cropped", "scaled to fit", "seen"]
    assert_nothing_cut_or_overlapping(figure)
    seen_through = np.dstack([sheet, 255 - sheet])
    both = titles(plots.preprocessing([way, drawing(28).stages(seen_through)]))
    assert both[:2] == ["raw", "alpha composited"]
    assert len(both) % 2 == 0


def test_preprocessing_without_steps_shows_the_image():
    assert titles(plots.preprocessing([[("raw", np.zeros((4, 4, 1), np.uint8))]])) == ["seen"]
