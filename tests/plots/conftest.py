"""Fixtures for the tests of figures."""

from __future__ import annotations

import pytest

from handgrad.plots import grids, tiles, weights


@pytest.fixture
def at_most_5(monkeypatch):
    """Limit figures to 5 images, because drawing 100 takes a second."""
    for module in (grids, tiles, weights):
        monkeypatch.setattr(module, "MAX_IMAGES", 5)
