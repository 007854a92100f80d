"""A grid has enough space for every tile and every word."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import plots
from handgrad.plots.tiles import Tile, grid, truncation_note
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping, titles
from tests.plots.samples import LONG, random_images


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_grid_has_a_cell_for_each_tile(count):
    figure = grid([Tile(np.zeros((2, 2)), "a")] * count, "heading")
    (axes,) = figure.axes
    places = {tuple(np.round(image.get_extent(), 6)) for image in axes.images}
    assert len(places) == len(axes.images) == len(axes.patches) == count
    assert_nothing_cut_or_overlapping(figure)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 2), (10, 5), (13, 7)])
def test_rows_are_at_least_as_long_as_the_grid_is_high(count, columns):
    figure = grid([Tile(np.zeros((2, 2)), "")] * count, "heading")
    assert len({round(image.get_extent()[0], 6) for image in figure.axes[0].images}) == columns


@pytest.mark.parametrize(
    ("shape", "size"), [((5, 5), (1.1, 1.1)), ((2, 6), (3.3, 1.1)), ((50, 1), (0.088, 4.4))]
)
def test_an_image_keeps_its_proportions_and_is_not_too_long(shape, size):
    figure = grid([Tile(np.zeros(shape), "")], "heading")
    (image,) = figure.axes[0].images
    assert image.get_window_extent().size / figure.dpi == pytest.approx(size)


def test_the_heading_says_how_many_images_are_shown():
    assert truncation_note(100) == ""
    assert truncation_note(101) == ", the first 100 shown"


@pytest.mark.parametrize("name", LONG)
def test_long_names_are_not_cut_off(name):
    figure = plots.predictions(random_images(4), [0] * 4, [0, 1, 1, 1], [name, "é" * 30])
    assert_nothing_cut_or_overlapping(figure)
    words = "".join(titles(figure)[0].split()).removeprefix("✓")
    assert words == name.replace(" ", "")
