"""A confusion matrix shows every number and is legible."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import plots
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping, contrast
from tests.plots.samples import FASHION, LONG, confusion_of


@pytest.mark.parametrize(
    ("classes", "rows"),
    [
        (("cat", "dog"), False),
        (range(10), False),
        (FASHION, True),
        (LONG, False),
        (LONG, True),
        ([f"class number {n}" for n in range(21)], False),
    ],
)
def test_a_confusion_matrix_shows_every_number(classes, rows):
    counts = confusion_of(len(classes))
    figure = plots.confusion(counts, classes, rows=rows)
    (axes,) = figure.axes
    values = counts / counts.sum(axis=1, keepdims=True) if rows else counts
    np.testing.assert_array_equal(axes.images[0].get_array(), values)
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in axes.texts}
    assert set(written) == {(i, j) for i, j in np.argwhere(counts)}
    for place, text in written.items():
        assert text.get_text() == (f"{100 * values[place]:.1f}" if rows else str(counts[place]))
        assert contrast(text.get_color(), axes.images[0].to_rgba(values)[place][:3]) > 4.5
    assert figure.get_suptitle().startswith(f"{np.trace(counts):,} of {counts.sum():,} correct")
    assert ("percent" in figure.get_suptitle()) == rows
    assert [t.get_text() for t in axes.get_yticklabels()] == [str(name) for name in classes]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert_nothing_cut_or_overlapping(figure)
    across = (axes.transData.transform((1, 0)) - axes.transData.transform((0, 0)))[0]
    assert max(t.get_window_extent().width for t in axes.texts) < across, "numbers overlap"


def test_large_counts_make_large_cells():
    figure = plots.confusion([[1_234_567, 0], [0, 7_654_321]], "ab")
    assert [t.get_text() for t in figure.axes[0].texts] == ["1,234,567", "7,654,321"]
    assert_nothing_cut_or_overlapping(figure)


def test_a_class_without_images_has_shares_of_zero():
    figure = plots.confusion([[3, 1], [0, 0]], "ab", rows=True)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[0.75, 0.25], [0, 0]])
