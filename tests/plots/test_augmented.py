"""Augmented versions of an image are drawn next to it."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad as hg
from handgrad import plots
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping
from tests.plots.samples import random_images

MOVES = hg.Augmentation(shift=0.2, rotation=10)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_row_shows_an_image_and_its_augmentation_in_nine_epochs(channels, dtype):
    X = random_images(3, channels, dtype)
    figure = plots.augmented(X, MOVES, seed=4)
    (axes,) = figure.axes
    assert len(axes.images) == 30
    unit = 255 if dtype == np.uint8 else 1
    for row, column in ((0, 0), (2, 0), (1, 3), (2, 9)):
        expected = X if column == 0 else MOVES.apply(X, seed=4, epoch=column)
        expected = np.broadcast_to(expected[row].transpose(1, 2, 0) / unit, (7, 9, 3))
        shown = axes.images[10 * row + column].get_array()
        np.testing.assert_allclose(shown, expected, atol=1e-6)
    assert [text.get_text() for text in axes.texts] == ["shift=0.2  rotation=10"]
    assert_nothing_cut_or_overlapping(figure)


def test_between_one_and_twenty_images_are_shown():
    assert len(plots.augmented(random_images(25), MOVES).axes[0].images) == 200
    with pytest.raises(hg.DataError, match="pass at least one"):
        plots.augmented(np.zeros((0, 1, 8, 8), np.uint8), MOVES)
