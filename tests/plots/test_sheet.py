"""A sheet fits its heading, and places are in inches."""

from __future__ import annotations

import pytest

from handgrad.plots.sheet import axes_at, sheet
from tests.plots.looks import assert_nothing_cut_or_overlapping


def test_a_sheet_has_its_size_unless_the_heading_is_wider():
    assert tuple(sheet("short", 5, 2).get_size_inches()) == (5, 2)
    wide = sheet("a long heading " * 10, 5, 2)
    assert wide.get_figwidth() > 5
    assert_nothing_cut_or_overlapping(wide)


def test_axes_are_where_they_are_wanted():
    place = axes_at(sheet("", 5, 4), 1, 0.5, 2, 3).get_position()
    assert place.bounds == pytest.approx((1 / 5, 0.5 / 4, 2 / 5, 3 / 4))
