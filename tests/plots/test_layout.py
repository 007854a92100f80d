"""A figure is large enough for its heading, and positions are in inches."""

from __future__ import annotations

import pytest

from handgrad.plots.layout import axes_at, headed_figure
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping


def test_a_figure_has_its_size_unless_the_heading_is_wider():
    assert tuple(headed_figure("short", 5, 2).get_size_inches()) == (5, 2)
    wide = headed_figure("a long heading " * 10, 5, 2)
    assert wide.get_figwidth() > 5
    assert_nothing_cut_or_overlapping(wide)


def test_axes_are_at_the_given_position():
    place = axes_at(headed_figure("", 5, 4), 1, 0.5, 2, 3).get_position()
    assert place.bounds == pytest.approx((1 / 5, 0.5 / 4, 2 / 5, 3 / 4))
