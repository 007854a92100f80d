"""Class names in figures are drawn in fonts that have their characters."""

from __future__ import annotations

import matplotlib
import pytest

from handgrad import plots
from handgrad.plots import labels as labels_module
from handgrad.plots.labels import class_names, text_size
from tests.plots.figure_checks import titles
from tests.plots.samples import random_images


@pytest.fixture
def fallbacks(monkeypatch):
    """Return a function that sets the fallback fonts, independently of the installed fonts."""

    def choose(*families):
        monkeypatch.setattr(labels_module, "_installed_fallbacks", lambda: families)

    return choose


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Trouser", "Trouser"),
        (7, "7"),
        ("é ß Ω Ж", "é ß Ω Ж"),
        ("$5 and $6", "$5 and $6"),
        (" two\n\u3000words\t", "two words"),
        ("お", "class 1"),
        ("cat 猫", "class 1"),
        ("caf\udce9", "class 1"),
        ("bell \a", "class 1"),
    ],
)
def test_a_name_that_no_font_can_show_becomes_its_number(name, shown, fallbacks, tmp_path):
    fallbacks("DejaVu Sans")
    assert class_names(["first", name]) == ["first", shown]
    figure = plots.images(random_images(1), [1], ["first", name])
    assert titles(figure) == [shown]
    plots.save(figure, tmp_path / "name.png")  # a character without a glyph would warn


def test_a_name_is_shown_in_a_font_that_has_its_characters(fallbacks, tmp_path):
    lacking = labels_module._characters(("STIXGeneral",)) - labels_module._characters(
        ("DejaVu Sans",)
    )
    name = f"cat {min(lacking)}"
    fallbacks("DejaVu Sans")
    assert class_names([name]) == ["class 0"]
    fallbacks("DejaVu Sans", "STIXGeneral")
    assert class_names([name]) == [name]
    plots.save(plots.confusion([[1]], [name]), tmp_path / "name.svg")


def test_correct_and_wrong_are_marked_in_any_font(tmp_path):
    assert "✓" not in labels_module._characters(("DejaVu Serif",))
    with matplotlib.rc_context({"font.family": "DejaVu Serif"}):
        figure = plots.predictions(random_images(2), [0, 1], [0, 0], "ab")
        plots.save(figure, tmp_path / "marks.png")
    assert [title[0] for title in titles(figure)] == ["✓", "✗"]


def test_the_fonts_are_those_of_matplotlib_and_those_installed():
    first, second, *others = labels_module._families()
    assert [first] == matplotlib.rcParams["font.family"]
    assert second == "DejaVu Sans"
    assert {*others} < {*labels_module.FALLBACK_FONTS}


def test_lines_of_a_name_have_at_most_so_many_characters():
    assert class_names(["one two three"], 8) == ["one two\nthree"]
    assert class_names(["one two three"]) == ["one two three"]


def test_the_text_size_is_that_of_the_largest_text():
    wide, low = text_size(["iiii", "WWWW"], 9)
    assert wide == text_size(["WWWW"], 9)[0]
    assert text_size(["iiii", "i\ni"], 9)[1] > low
    assert text_size(["WWWW"], 18)[0] == pytest.approx(2 * wide, rel=0.05)
