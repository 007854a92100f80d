import re
from types import SimpleNamespace

import numpy as np
import pytest

from handgrad.html import confusion, curves, image_grid, table
from tests.explain.test_page import Reader


class SvgReader(Reader):
    VOID = ("meta", "img", "line", "rect", "polyline", "circle")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)


def history(*losses, validation=True):
    return [
        SimpleNamespace(
            number=n,
            loss=loss,
            accuracy=1 - loss / 10,
            validation_loss=1.1 * loss if validation else None,
            validation_accuracy=1 - loss / 9 if validation else None,
        )
        for n, loss in enumerate(losses, 1)
    ]


def test_a_table_of_names_and_values():
    text = table({"layers": 3, "a < b": "c"})
    SvgReader(text)
    assert "a &lt; b</td>" in text
    assert "<thead>" not in text


def test_a_table_with_headings_aligns_columns():
    text = table([("Dense", 650)], ["layer", ">parameters"])
    assert re.search(r"text-align:right\">parameters</th>", text)
    assert re.search(r"text-align:right\">650</td>", text)
    assert re.search(r"text-align:left\">Dense</td>", text)


@pytest.mark.parametrize("shape", [(3, 1, 4, 5), (3, 3, 4, 5), (3, 4, 5)])
def test_an_image_grid_shows_each_image_with_its_label(shape):
    text = image_grid(np.zeros(shape, np.uint8), ["a", "<b>", "c"])
    read = SvgReader(text)
    assert len(read.links) == 3
    assert all(link.startswith("data:image/png;base64,") for link in read.links)
    assert "&lt;b&gt;</figcaption>" in text


def test_an_image_grid_shows_at_most_100_images():
    text = image_grid(np.zeros((120, 1, 2, 2), np.uint8))
    assert text.count("<img") == 100
    assert "20 more not shown" in text


def test_curves_show_loss_and_accuracy_of_training_and_validation():
    text = curves(history(2.0, 1.0, 0.5))
    SvgReader(text)
    assert text.count("<svg") == 2
    assert text.count("<polyline") == 4
    assert text.count("<circle") == 12
    assert ">accuracy</text>" in text
    assert "validation" in text


def test_curves_without_validation_have_one_line_each():
    text = curves(history(2.0, 1.0, validation=False))
    assert text.count("<polyline") == 2
    assert "validation" not in text


@pytest.mark.parametrize("losses", [(), (1.0,), (0.0, 0.0), (float("nan"), 1.0), (1e30, 1e-8)])
def test_curves_of_unusual_histories_are_well_formed(losses):
    text = curves(history(*losses))
    SvgReader(text)
    assert "nan" not in text
    assert "inf" not in text


def test_a_loss_that_falls_far_has_decades_as_ticks():
    text = curves(history(10.0, 1.0, 0.1, 0.01))
    for tick in ("10", "1", "0.1", "0.01"):
        assert f'stroke="none">{tick}</text>' in text


def test_points_lie_within_the_axes():
    text = curves(history(3.0, 2.0, 0.5, 0.4))
    for points in re.findall(r'points="([^"]*)"', text):
        for x, y in (map(float, point.split(",")) for point in points.split()):
            assert 48 <= x <= 332
            assert 22 <= y <= 166


def test_a_confusion_matrix_leaves_zeros_out():
    text = confusion([[1200, 0], [3, 7]], ["cat", "<dog>"])
    SvgReader(text)
    assert "1,200</td>" in text
    assert "&lt;dog&gt;" in text
    assert text.count("></td>") == 1
    assert "0,114,178,0.70)" in text
