"""What tests of figures share."""

from __future__ import annotations

import pytest

from handgrad.plots import grids, tiles, weights


@pytest.fixture
def at_most_5(monkeypatch):
    """Let a figure hold 5 images at most: 100 take a second to draw."""
    for module in (grids, tiles, weights):
        monkeypatch.setattr(module, "MAX_IMAGES", 5)
