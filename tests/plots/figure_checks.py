"""Helpers that check the text and the layout of a figure."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb


def titles(figure):
    """Return the titles of all axes, or of the tiles if the axes contain tiles."""
    return [text.get_text() for axes in figure.axes for text in _titles(axes)]


def _titles(axes):
    return [axes.title] if axes.axison else axes.texts


def contrast(one, other):
    """Return the contrast ratio of two colours, which is from 1 to 21 (WCAG 2.2)."""
    light = [linear(to_rgb(colour)) @ (0.2126, 0.7152, 0.0722) for colour in (one, other)]
    return (max(light) + 0.05) / (min(light) + 0.05)


def linear(rgb):
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def assert_nothing_cut_or_overlapping(figure):
    """Check that all text is inside the figure and that no titles overlap."""
    figure.draw_without_rendering()
    whole = figure.bbox
    texts = [figure._suptitle] if figure.get_suptitle() else []
    for axes in figure.axes:
        parts = [*_titles(axes), axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            parts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
        texts += [text for text in parts if text.get_text() and text.get_visible()]
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= whole.x1 and box.y1 <= whole.y1
        assert inside, f"{text.get_text()!r} is cut off"
    for at, box in enumerate(boxes):
        for other in boxes[:at]:
            assert not box.overlaps(other), f"{texts[at].get_text()!r} overlaps another"
